import { micros } from '../../src/platform/money/index.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';

/** Two applications, each with connections, batches and hints of its own, as two processes have them. */
describe('several processes on one database', () => {
  let one: MoneyWorld;
  let other: MoneyWorld;
  beforeAll(async () => {
    one = await MoneyWorld.start();
    other = await MoneyWorld.start({ database: one.database });
  });
  afterAll(async () => {
    expect(await one.audit()).toEqual([]);
    await other.stop();
    await one.stop();
  });

  it('admit together exactly what one wallet holds', async () => {
    const accountId = await one.account(1_000n);
    const results = await Promise.all(
      Array.from({ length: 300 }, (_, at) =>
        (at % 2 === 0 ? one : other).wallets.freeze(one.freezeRequest(accountId, 10n)),
      ),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(100);
    expect(await one.balance(accountId)).toEqual({ available: 0n, frozen: 1_000n });
  });

  it.each([
    ['a daily quota', { dailyMicros: micros(250n) }, 25],
    ['a weekly quota', { weeklyMicros: micros(250n) }, 25],
    ['requests per minute', { requestsPerMinute: 11 }, 11],
    ['concurrency', { concurrency: 9 }, 9],
  ])('hold %s together', async (_what, limits, admitted) => {
    const accountId = await one.account(100_000n);
    const request = () => one.freezeRequest(accountId, 10n, { limits: { ...NO_LIMITS, ...limits } });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? one : other).wallets.freeze(request())),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(admitted);
  });

  it('freeze, extend, capture and settle the same wallets at once, and the books stay right', async () => {
    const accounts = await Promise.all(Array.from({ length: 4 }, () => one.account(20_000n)));
    let running = true;
    const settlers = [one, other].map(async (world) => {
      while (running) await world.settlement.settlePending();
    });
    await Promise.all(
      Array.from({ length: 240 }, async (_, at) => {
        const world = at % 2 === 0 ? one : other;
        const accountId = accounts[at % 4] ?? '';
        const request = world.freezeRequest(accountId, 100n, { tier: at % 3 === 0 ? 'premium' : 'standard' });
        if (!(await world.wallets.freeze(request)).ok) return;
        if (at % 5 === 0) {
          await world.wallets.extend({ id: request.id, accountId, extraMicros: micros(50n), limits: NO_LIMITS });
        }
        // Some cost less than was frozen, some more than the wallet has.
        await world.wallets.capture(accountId, request.id, world.outcome(at % 7 === 0 ? 4_000 : 30));
      }),
    );
    running = false;
    await Promise.all(settlers);
    await one.settlement.settlePending();
    expect(await one.audit()).toEqual([]);
    const open = await one.wallets.listFreezes({ states: ['captured'] }, { limit: 10, cursor: null });
    expect(open.items).toEqual([]);
  });
});
