import { AppError } from '../platform/errors/index.js';
import { MicroBatcher, type Lane } from './micro-batcher.js';

const LIMITS = { batchMax: 4, queueMax: 10, waitMs: 1_000 };

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

/** Lets everything that is ready run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('MicroBatcher', () => {
  it('sends a lone caller at once and alone', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answer = batcher.submit(1);
    expect(lane.calls).toEqual([[1]]);
    lane.end();
    await expect(answer).resolves.toBe('r1');
    expect(batcher.openCount).toBe(0);
  });

  it('gathers callers while its lanes are busy, in order and at most a batch', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answers = Promise.all([1, 2, 3, 4, 5, 6, 7].map((request) => batcher.submit(request)));
    for (let round = 0; round < 3; round++) {
      lane.end();
      await settle();
    }
    expect(lane.calls).toEqual([[1], [2, 3, 4, 5], [6, 7]]);
    await expect(answers).resolves.toEqual(['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7']);
  });

  it('uses every lane before it lets anyone wait', async () => {
    const lanes = [new HeldLane(), new HeldLane()];
    const batcher = new MicroBatcher(lanes, LIMITS);
    const answers = Promise.all([1, 2, 3].map((request) => batcher.submit(request)));
    expect(lanes.flatMap(({ calls }) => calls)).toHaveLength(2);
    for (const lane of [...lanes, ...lanes]) {
      lane.end();
      await settle();
    }
    await expect(answers).resolves.toEqual(['r1', 'r2', 'r3']);
  });

  it('runs the members of a failed batch alone, so that only the bad one fails', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answers = Promise.allSettled([1, 2, 3, 4].map((request) => batcher.submit(request)));
    for (const error of [undefined, new Error('batch'), undefined, new Error('three'), undefined]) {
      lane.end(error);
      await settle();
    }
    expect(lane.calls).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('fails a whole batch at once when the database is away', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], LIMITS);
    const answers = Promise.allSettled([1, 2, 3].map((request) => batcher.submit(request)));
    lane.end();
    await settle();
    lane.end(new AppError('unavailable', 'away'));
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(lane.calls).toHaveLength(2);
  });

  it('refuses callers beyond its queue, and says when to come back', async () => {
    const lane = new HeldLane();
    const batcher = new MicroBatcher([lane], { ...LIMITS, queueMax: 2 });
    const answers = Promise.allSettled([1, 2, 3].map((request) => batcher.submit(request)));
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
    const answers = await Promise.allSettled([batcher.submit(1), batcher.submit(2)]);
    for (const answer of answers) expect(answer).toMatchObject({ reason: { code: 'wallet_timeout' } });
    lane.end();
    await settle();
    expect(lane.calls).toEqual([[1]]);
    expect(batcher.openCount).toBe(0);
  });
});
