import { newId } from '../../src/platform/ids/index.js';
import { METRICS, type Registry } from '../../src/platform/metrics/index.js';
import { JobQueues } from '../../src/platform/queue/index.js';
import type { UsageStatus } from '../../src/billing/index.js';
import { MoneyWorld } from '../support/money-world.js';
import { pollUntil, promised } from '../support/poll.js';

/** Both back ends must keep the same promises; Redis is a subject wherever REDIS_URL names one (`.ci/run` sets it). */
const REDIS_URL = process.env['REDIS_URL'];
const BACKENDS: readonly (readonly [string, string | undefined])[] = [
  ['postgres', undefined],
  ...(REDIS_URL === undefined ? [] : ([['redis', REDIS_URL]] as const)),
];
const DEAD_REDIS_URL = 'redis://127.0.0.1:1';

async function captured(world: MoneyWorld): Promise<{ accountId: string; id: string }> {
  const accountId = await world.account(1_000n);
  const request = world.freezeRequest(accountId, 300n);
  await world.wallets.freeze(request);
  await world.wallets.capture(accountId, request.id, world.outcome(60));
  return { accountId, id: request.id };
}

function untilStatus(world: MoneyWorld, id: string, status: UsageStatus, timeoutMs?: number): Promise<true> {
  return pollUntil(
    async () => ((await world.usage.find(id))?.status === status ? true : null),
    `usage record ${status}`,
    timeoutMs,
  );
}

describe.each(BACKENDS)('settlement jobs on %s', (kind, redisUrl) => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start({ workers: true, redisUrl });
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  it('runs on the back end that was chosen', async () => {
    expect(world.app.get(JobQueues).backendKind).toBe(kind);
    expect(await world.app.get(JobQueues).counts('settlement')).toMatchObject({ failed: 0 });
  });

  it('settles a notified outcome within a second, the first one and one after an idle time', async () => {
    for (let round = 0; round < 3; round++) {
      const { accountId, id } = await captured(world);
      world.settlementQueue.notify();
      await untilStatus(world, id, 'settled', promised(1_000));
      expect(await world.balance(accountId)).toEqual({ available: 880n, frozen: 0n });
    }
  });

  it('needs few jobs for many outcomes', async () => {
    const accountId = await world.account(100_000n);
    const ids = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const request = world.freezeRequest(accountId, 100n);
        await world.wallets.freeze(request);
        await world.wallets.capture(accountId, request.id, world.outcome(10));
        world.settlementQueue.notify();
        return request.id;
      }),
    );
    for (const id of ids) await untilStatus(world, id, 'settled');
    expect(await world.balance(accountId)).toEqual({ available: 94_000n, frozen: 0n });
    await pollUntil(async () => {
      const { waiting, active, delayed } = await world.app.get(JobQueues).counts('settlement');
      return waiting + active + delayed === 0 ? true : null;
    }, 'an empty queue');
  });

  it('settles an outcome whose job was lost', async () => {
    const { id } = await captured(world);
    await untilStatus(world, id, 'settled');
  });

  it('expires the freezes of a dead process and keeps those of its own', async () => {
    const accountId = await world.account(1_000n);
    const [dead, living] = [world.freezeRequest(accountId, 100n), world.freezeRequest(accountId, 10n)];
    await world.wallets.freeze(dead);
    await world.wallets.freeze(living);
    await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), dead.id]);
    await untilStatus(world, dead.id, 'expired');
    expect(await world.balance(accountId)).toEqual({ available: 990n, frozen: 10n });
    expect(await world.usage.find(living.id)).toMatchObject({ status: 'pending' });
  });

  it('works for one database in two processes', async () => {
    const other = await MoneyWorld.start({ workers: true, redisUrl, database: world.database });
    const results = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const freeze = await captured(at % 2 === 0 ? world : other);
        (at % 2 === 0 ? world : other).settlementQueue.notify();
        return freeze;
      }),
    );
    for (const { id } of results) await untilStatus(world, id, 'settled');
    await other.stop();
  });
});

it('settles what was captured before an orderly end, and ends its lease', async () => {
  const world = await MoneyWorld.start({ workers: true });
  const second = await MoneyWorld.start({ workers: true, database: world.database });
  const freezes = await Promise.all(Array.from({ length: 20 }, () => captured(second)));
  await second.stop();
  for (const { id } of freezes) expect(await world.usage.find(id)).toMatchObject({ status: 'settled' });
  const leases = await world.sql.query<object[]>('select 1 from process_lease');
  expect(leases).toHaveLength(1);
  expect(await world.audit()).toEqual([]);
  await world.stop();
});

it('settles without any queue: a dead Redis delays money, it does not lose it', async () => {
  const world = await MoneyWorld.start({ workers: true, redisUrl: DEAD_REDIS_URL });
  const { id } = await captured(world);
  world.settlementQueue.notify();
  await untilStatus(world, id, 'settled');
  const [abandoned] =
    (await world.app.get<Registry>(METRICS).getSingleMetric('settlement_abandoned_total')?.get())?.values ?? [];
  expect(abandoned?.value).toBeGreaterThan(0);
  await expect(world.app.get(JobQueues).counts('settlement')).rejects.toMatchObject({ kind: 'unavailable' });
  await world.stop();
});
