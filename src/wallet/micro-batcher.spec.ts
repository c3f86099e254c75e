import { pollUntil } from '../../test/support/poll.js';
import { AppError } from '../platform/errors/index.js';
import { MicroBatcher, type Lane } from './micro-batcher.js';

const LIMITS = { batchMax: 4, queueMax: 10, waitMs: 60_000, secondLaneMin: 2 };

/** A lane whose statements end when the test says so. */
class HeldLane implements Lane<number, string> {
  readonly calls: number[][] = [];
  private readonly ends: ((error?: Error) => void)[] = [];

  one(request: number): Promise<string> {
    return this.start([request]).then(() => `r${String(request)}`);
  }
  many(requests: readonly number[]): Promise<readonly string[]> {
    return this.start([...requests]).then(() => requests.map((request) => `r${String(request)}`));
  }
  end(error?: Error): void {
    this.ends.shift()?.(error);
  }
  private start(requests: number[]): Promise<void> {
    this.calls.push(requests);
    return new Promise((resolve, reject) => {
      this.ends.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}

/** Lets everything that is ready run, and what becomes ready by it. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe('MicroBatcher', () => {
  it('sends a lone caller in the same turn of the event loop', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answer = batcher.submit(1);
    await settle();
    expect(lane.calls).toEqual([[1]]);
    lane.end();
    await expect(answer).resolves.toBe('r1');
    expect(batcher.openCount).toBe(0);
  });

  it('sends the callers of one turn together', async () => {
    const lanes = [new HeldLane(), new HeldLane()];
    const batcher = new MicroBatcher(lanes, LIMITS);
    const answers = Promise.all([1, 2, 3].map((request) => batcher.submit(request)));
    await settle();
    expect(lanes.flatMap(({ calls }) => calls)).toEqual([[1, 2, 3]]);
    for (const lane of lanes) lane.end();
    await expect(answers).resolves.toEqual(['r1', 'r2', 'r3']);
  });

  it('gathers callers while a statement runs, in order and at most a batch', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const first = batcher.submit(1);
    await settle();
    const answers = Promise.all([2, 3, 4, 5, 6, 7].map((request) => batcher.submit(request)));
    for (let round = 0; round < 3; round++) {
      lane.end();
      await settle();
    }
    expect(lane.calls).toEqual([[1], [2, 3, 4, 5], [6, 7]]);
    await expect(first).resolves.toBe('r1');
    await expect(answers).resolves.toEqual(['r2', 'r3', 'r4', 'r5', 'r6', 'r7']);
  });

  it('opens a second lane when enough are waiting, not for fewer', async () => {
    const [slow, second] = [new HeldLane(), new HeldLane()];
    const batcher = new MicroBatcher([second, slow], LIMITS);
    const answers = [batcher.submit(1)];
    await settle();
    answers.push(batcher.submit(2));
    await settle();
    expect(second.calls).toEqual([]);
    answers.push(batcher.submit(3));
    await settle();
    expect([slow.calls, second.calls]).toEqual([[[1]], [[2, 3]]]);
    for (const lane of [slow, second]) lane.end();
    await expect(Promise.all(answers)).resolves.toEqual(['r1', 'r2', 'r3']);
  });

  it('does not let callers wait behind a statement that hangs while another lane is free', async () => {
    const [hanging, second] = [new HeldLane(), new HeldLane()];
    const batcher = new MicroBatcher([second, hanging], LIMITS);
    const stuck = batcher.submit(1);
    await settle();
    const answer = batcher.submit(2);
    await expect(pollUntil(() => Promise.resolve(second.calls[0] ?? null), 'the second lane')).resolves.toEqual([2]);
    second.end();
    await expect(answer).resolves.toBe('r2');
    hanging.end();
    await stuck;
  });

  it('runs the members of a failed batch alone, so that only the bad one fails', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answers = Promise.allSettled([2, 3, 4].map((request) => batcher.submit(request)));
    await settle();
    for (const error of [new Error('batch'), undefined, new Error('three'), undefined]) {
      lane.end(error);
      await settle();
    }
    expect(lane.calls).toEqual([[2, 3, 4], [2], [3], [4]]);
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails a whole batch at once when the database is away', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answers = Promise.allSettled([1, 2, 3].map((request) => batcher.submit(request)));
    await settle();
    lane.end(new AppError('unavailable', 'away'));
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(lane.calls).toHaveLength(1);
  });

  it('refuses callers beyond its queue, and says when to come back', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], { ...LIMITS, queueMax: 2 });
    const first = batcher.submit(1);
    await settle();
    const answers = Promise.allSettled([first, batcher.submit(2), batcher.submit(3)]);
    await expect(batcher.submit(4)).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'wallet_overloaded',
      retryAfterS: 1,
    });
    lane.end();
    await settle();
    lane.end();
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
  });

  it('lets nobody wait longer than allowed, neither for a lane nor for an answer', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], { ...LIMITS, waitMs: 10 });
    const first = batcher.submit(1);
    await settle();
    const answers = await Promise.allSettled([first, batcher.submit(2)]);
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'wallet_timeout' } });
    lane.end();
    await settle();
    expect(lane.calls).toEqual([[1]]);
    expect(batcher.openCount).toBe(0);
  });

  it('waits for the statement that runs where its answer counts, and for no lane longer than allowed', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], { ...LIMITS, waitMs: 10, answersCount: true });
    const first = batcher.submit(1);
    await settle();
    await expect(batcher.submit(2)).rejects.toMatchObject({ code: 'wallet_timeout' });
    lane.end();
    await expect(first).resolves.toBe('r1');
    expect(lane.calls).toEqual([[1]]);
    expect(batcher.openCount).toBe(0);
  });
});
