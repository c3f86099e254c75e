import { RollupAudit, UsageSummaryService, type RollupDifference } from '../../src/analytics/index.js';
import { Roller } from '../../src/analytics/jobs/roller.js';
import { newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Summaries lose no request, whatever clock its process has. */
describe('sums of usage and clocks that are wrong', () => {
  let world: MoneyWorld;
  let accountId: string;
  beforeAll(async () => {
    world = await MoneyWorld.start();
    accountId = await world.account(1_000_000n);
  });
  afterAll(() => world.stop());

  /** A request from its freeze to its record, whose process has a clock that is so much ahead. */
  async function settled(aheadMs: number): Promise<void> {
    const id = newRequestId(Date.now() + aheadMs);
    expect(await world.wallets.freeze(world.freezeRequest(accountId, 100n, { id }))).toMatchObject({ ok: true });
    await world.wallets.capture(accountId, id, world.outcome(10));
    await world.settlement.settlePending();
  }
  const roll = (): Promise<void> => world.app.get(Roller, { strict: false }).roll();
  const audit = (id?: string): Promise<RollupDifference[]> =>
    world.app.get(RollupAudit, { strict: false }).differences({ accountId: id });
  const marks = async (): Promise<number> =>
    (await world.sql.query<object[]>('select 1 from usage_rollup_stale')).length;
  const summed = async (): Promise<number> => {
    const all = { filter: {}, groupBy: [], timeZone: 'UTC', from: null, to: null };
    const { total } = await world.app.get(UsageSummaryService, { strict: false }).summarize(all);
    return total.sums.requests;
  };

  it('counts a request of a clock that is behind, before and after its quarter is summed again', async () => {
    await settled(-40 * DAY_MS);
    await roll();
    expect(await summed()).toBe(1);
    for (const aheadMs of [-2 * HOUR_MS, -3 * DAY_MS, -40 * DAY_MS]) await settled(aheadMs);
    expect(await summed()).toBe(4);
    await roll();
    expect([await marks(), await summed(), await audit()]).toEqual([0, 4, []]);
  });

  it('counts a request of a clock that is ahead', async () => {
    await settled(5 * HOUR_MS);
    expect(await summed()).toBe(5);
    await roll();
    expect([await summed(), await audit()]).toEqual([5, []]);
  });

  it('marks nothing for a request of a clock that is right', async () => {
    await settled(0);
    await settled(-60_000);
    expect(await marks()).toBe(0);
  });

  it('counts what is received after the clock of the database was ahead', async () => {
    const before = await summed();
    await world.sql.query(`update usage_rollup_state set quarters_until = now() + interval '1 day'`);
    await roll();
    await settled(0);
    expect([await summed(), await audit()]).toEqual([before + 1, []]);
  });

  it('finds sums that are not those of their records, and says how to make them anew', async () => {
    await world.sql.query(`update usage_rollup set requests = requests + 1 where cube = 'all' and grain = 'quarter'
      and starts_at = (select min(starts_at) from usage_rollup where cube = 'all' and grain = 'quarter')`);
    await world.sql.query(`delete from usage_rollup where cube = 'tier' and grain = 'day'`);
    const found = await audit();
    expect(found[0]).toMatchObject({ cube: 'all', grain: 'quarter', expected: 'requests 2', found: 'requests 3' });
    expect(found).toContainEqual(expect.objectContaining({ cube: 'tier', grain: 'day', found: null }));
    expect(await audit(accountId)).toMatchObject([{ cube: 'all', grain: 'quarter' }]);
    // As docs/operations.md says.
    await world.sql.query('delete from usage_rollup_state');
    await roll();
    expect(await audit()).toEqual([]);
  });
});
