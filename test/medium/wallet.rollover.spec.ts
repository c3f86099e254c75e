import { micros } from '../../src/platform/money/index.js';
import type { KeyLimits } from '../../src/wallet/index.js';
import { createTestDatabase } from '../support/database.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';
import { pollUntil } from '../support/poll.js';
import { ShiftedClock } from '../support/shifted-clock.js';

const FREEZE = 10n;
const LIMIT = 250n;
const ADMITTED = 25;

/** How many refusals show that nothing more is admitted. */
const REFUSALS = 100;

interface Load {
  /** Ids of freezes, in the order in which callers heard of them. */
  held: string[];
  refused: () => number;
  stop: () => Promise<void>;
}

/** Two applications on one database whose clock passes midnight while both of them freeze. */
describe('quotas at the end of their window', () => {
  let one: MoneyWorld;
  let other: MoneyWorld;
  let clock: ShiftedClock;
  beforeAll(async () => {
    const database = await createTestDatabase();
    clock = await ShiftedClock.on(database);
    one = await MoneyWorld.start({ database });
    other = await MoneyWorld.start({ database });
  });
  afterAll(async () => {
    expect(await one.audit()).toEqual([]);
    await other.stop();
    await one.stop();
    await clock.close();
    await one.database.drop();
  });

  /** What the quota row of a day says. */
  async function usedOn(accountId: string, day: string): Promise<string> {
    const rows = await one.sql.query<{ used: string }[]>(
      'select used from quota_day where account_id = $1 and day = $2',
      [accountId, day],
    );
    return rows[0]?.used ?? 'no row';
  }

  /** Callers that freeze all the time, half of them in each process, until they are told to stop. */
  function load(accountId: string, limits: Partial<KeyLimits>): Load {
    const held: string[] = [];
    let refused = 0;
    let running = true;
    const caller = async (world: MoneyWorld): Promise<void> => {
      while (running) {
        const request = world.freezeRequest(accountId, FREEZE, { limits: { ...NO_LIMITS, ...limits } });
        if ((await world.wallets.freeze(request)).ok) held.push(request.id);
        else refused += 1;
      }
    };
    const callers = Array.from({ length: 16 }, (_, at) => caller(at % 2 === 0 ? one : other));
    const stop = async (): Promise<void> => {
      running = false;
      await Promise.all(callers);
    };
    return { held, refused: () => refused, stop };
  }

  const daily = { dailyMicros: micros(LIMIT) };
  const weekly = { weeklyMicros: micros(LIMIT) };
  it.each([
    ['a day', daily, '2027-03-02', '2027-03-03', ADMITTED],
    ['a week', weekly, '2027-03-07', '2027-03-08', ADMITTED],
    ['a week, but in the middle of it', weekly, '2027-03-09', '2027-03-10', 0],
    ['a week, across the end of a year', weekly, '2027-12-31', '2028-01-01', 0],
  ])('%s: exactly the limit before midnight and exactly the limit after it', async (_what, limits, day, next, more) => {
    const accountId = await one.account(100_000n);
    await clock.set(`${day} 23:30:00Z`);
    const { held, refused, stop } = load(accountId, limits);
    const refusals = (count: number): Promise<true> =>
      pollUntil(() => Promise.resolve(refused() >= count ? true : null), 'the limit to be reached');
    await refusals(REFUSALS);
    expect(held).toHaveLength(ADMITTED);
    await clock.set(`${next} 00:00:01Z`);
    // Those that were refused before midnight may still be on their way back.
    await refusals(refused() + REFUSALS);
    await stop();
    expect(held).toHaveLength(ADMITTED + more);
    expect(await usedOn(accountId, day)).toBe(LIMIT.toString());
    expect(await usedOn(accountId, next)).toBe((FREEZE * BigInt(more)).toString());

    // What was in flight at midnight is corrected in the window in which it was frozen, whoever settles it.
    for (const id of held.slice(0, ADMITTED)) await other.wallets.capture(accountId, id, one.outcome(3));
    await one.settlement.settlePending();
    expect(await usedOn(accountId, day)).toBe('150');
    expect(await usedOn(accountId, next)).toBe((FREEZE * BigInt(more)).toString());
  });

  it('an extension after midnight is held to the window of its freeze', async () => {
    const accountId = await one.account(100_000n);
    const limits = { ...NO_LIMITS, ...daily };
    await clock.set('2027-04-06 23:30:00Z');
    const request = one.freezeRequest(accountId, 200n, { limits });
    expect((await one.wallets.freeze(request)).ok).toBe(true);
    await clock.set('2027-04-07 00:00:01Z');
    const extend = (extra: bigint) =>
      other.wallets.extend({ id: request.id, accountId, extraMicros: micros(extra), limits });
    expect(await extend(51n)).toMatchObject({ ok: false, refusal: 'daily_quota' });
    expect(await extend(50n)).toMatchObject({ ok: true });
    expect(await usedOn(accountId, '2027-04-06')).toBe('250');
    expect(await usedOn(accountId, '2027-04-07')).toBe('no row');
  });
});
