import { DataSource } from 'typeorm';
import { UsageWeeks1764000014100 } from '../../migrations/1764000014100-usage-weeks.js';
import { UsageSummaryService, type Grouping, type SummaryRequest, type UsageGroup } from '../../src/analytics/index.js';
import { Roller } from '../../src/analytics/jobs/roller.js';
import { RollupRepository } from '../../src/analytics/persistence/rollup.repository.js';
import { DAYS as DAYS_OF_ZONE } from '../../src/analytics/persistence/summary-sql.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

const DAY_MS = 86_400_000;
const ROWS = 3_000;
const DAYS = 64;

interface Sum {
  requests: number;
  outputTokens: number;
  creditsUsed: bigint;
  margin: bigint;
}

/** Sums of usage are what the records add up to, however they are read. */
describe('summaries of usage', () => {
  let world: MoneyWorld;
  const accounts = [newId(), newId()];
  const keys = [newId(), newId(), newId()];
  const nowMs = Date.now();

  beforeAll(async () => {
    world = await MoneyWorld.start();
    // More than two months of records, so that one of them is whole, with gaps, cached tokens, shortfalls, failures, and requests of just now.
    const ids = Array.from({ length: ROWS }, (_, at) =>
      newRequestId(nowMs - Math.floor((at / ROWS) ** 3 * DAYS * DAY_MS)),
    );
    await world.sql.query(
      `insert into usage_record (account_id, request_id, client_request_id, api_key_id, model_id, model_key, provider, tier,
          stream, status, input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, credits_used,
          credits_charged, shortfall, usd_cost, provider_cost_usd, usage_source, price_id, frozen, outcome, created_at)
        select ($2::uuid[])[1 + n % 2], id, 'c', ($3::uuid[])[1 + n % 3], $4, 'model-' || n % 4,
            case when n % 7 = 0 then null else 'provider-' || n % 2 end, (array['economy', 'standard', 'premium'])[1 + n % 3],
            n % 2 = 0, case when n % 7 = 0 then 'released' else 'settled' end, n % 50, n % 90, n % 5, n % 3,
            case when n % 7 = 0 then 0 else n * 3 end, case when n % 7 = 0 then 0 else n * 2 end,
            case when n % 7 = 0 then 0 else n end, n * 11, n * 5, 'provider', $5, 10,
            jsonb_build_object('durationMs', n % 1000 + 1), now()
          from unnest($1::text[]) with ordinality as r (id, n)`,
      [ids, accounts, keys, world.modelId, world.priceId],
    );
  });
  afterAll(() => world.stop());

  const summarize = (changes: Partial<SummaryRequest>) =>
    world.app
      .get(UsageSummaryService, { strict: false })
      .summarize({ filter: {}, groupBy: [], timeZone: 'UTC', from: null, to: null, ...changes });

  const roll = (): Promise<void> => world.app.get(Roller, { strict: false }).roll();

  /** The same sums, counted one record at a time. */
  async function counted(changes: Partial<SummaryRequest>): Promise<Map<string, Sum>> {
    const { filter = {}, groupBy = [], timeZone = 'UTC', from = null, to = null } = changes;
    const rows = await world.sql.query<Record<string, string>[]>(
      `select *, ('x' || substr(request_id, 5, 12))::bit(48)::bigint as ms from usage_record`,
    );
    const sums = new Map<string, Sum>();
    for (const row of rows) {
      const ms = Number(row['ms']);
      if ((from !== null && ms < from.getTime()) || (to !== null && ms >= to.getTime())) continue;
      if (filter.accountId !== undefined && row['account_id'] !== filter.accountId) continue;
      if (filter.modelKey !== undefined && row['model_key'] !== filter.modelKey) continue;
      if (filter.apiKeyId !== undefined && row['api_key_id'] !== filter.apiKeyId) continue;
      if (filter.provider !== undefined && row['provider'] !== filter.provider) continue;
      if (filter.tier !== undefined && row['tier'] !== filter.tier) continue;
      if (filter.status !== undefined && row['status'] !== filter.status) continue;
      const group = groupBy.map((name) => valueOf(name, row, ms, timeZone)).join('|');
      const sum = sums.get(group) ?? { requests: 0, outputTokens: 0, creditsUsed: 0n, margin: 0n };
      const [used, charged] = [BigInt(row['credits_used'] ?? 0), BigInt(row['credits_charged'] ?? 0)];
      const usd = BigInt(row['usd_cost'] ?? 0);
      const chargedUsd = used === charged ? usd : (usd * charged) / used;
      sums.set(group, {
        requests: sum.requests + 1,
        outputTokens: sum.outputTokens + Number(row['output_tokens']),
        creditsUsed: sum.creditsUsed + used,
        margin: sum.margin + chargedUsd - BigInt(row['provider_cost_usd'] ?? 0),
      });
    }
    return sums;
  }

  function valueOf(name: Grouping, row: Record<string, string>, ms: number, timeZone: string): string {
    const columns = { key: 'api_key_id', account: 'account_id', model: 'model_key' } as const;
    if (name === 'day') return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(ms);
    if (name === 'hour') return hourOf(ms, timeZone);
    return row[name in columns ? columns[name as keyof typeof columns] : name] ?? '';
  }

  /** The begin of the zone's hour: zones differ from UTC by whole quarters. */
  function hourOf(ms: number, timeZone: string): string {
    const minute = Number(new Intl.DateTimeFormat('en', { timeZone, minute: 'numeric' }).format(ms));
    const begin = Math.floor(ms / 60_000) * 60_000 - minute * 60_000;
    return new Date(begin).toISOString().replace('.000Z', 'Z');
  }

  const seen = (groups: readonly UsageGroup[], groupBy: readonly Grouping[]): Map<string, Sum> =>
    new Map(
      groups.map(({ by, sums }) => [
        groupBy.map((name) => by[name] ?? '').join('|'),
        {
          requests: sums.requests,
          outputTokens: sums.outputTokens,
          creditsUsed: sums.creditsUsedMicros,
          margin: sums.marginUsdMicros,
        },
      ]),
    );

  async function agree(changes: Partial<SummaryRequest>): Promise<void> {
    const summary = await summarize(changes);
    const expected = await counted(changes);
    expect(seen(summary.groups, changes.groupBy ?? [])).toEqual(expected);
    expect(expected.size).toBeGreaterThan(0);
    const total = [...expected.values()].reduce((sum, { requests }) => sum + requests, 0);
    expect(summary.total.sums.requests).toBe(total);
  }

  const CASES: [string, Partial<SummaryRequest>][] = [
    ['everything', {}],
    ['by model and status', { groupBy: ['model', 'status'] }],
    ['by key, account, provider and tier', { groupBy: ['key', 'account', 'provider', 'tier'] }],
    ['by day', { groupBy: ['day'] }],
    ['by day in Kathmandu, 45 minutes off', { groupBy: ['day', 'model'], timeZone: 'Asia/Kathmandu' }],
    ['by day in New York', { groupBy: ['day'], timeZone: 'America/New_York' }],
    ['by hour', { groupBy: ['hour'] }],
    ['by hour in Kolkata', { groupBy: ['hour', 'tier'], timeZone: 'Asia/Kolkata' }],
    [
      'of one account between odd times',
      {
        filter: { accountId: accounts[1] },
        groupBy: ['day'],
        from: new Date(nowMs - 5 * DAY_MS - 12_345),
        to: new Date(nowMs - 61_007),
      },
    ],
    ['of one model', { filter: { modelKey: 'model-2' }, groupBy: ['hour'] }],
    ...(['model', 'provider', 'tier', 'status', 'account', 'key'] as const).map(
      (name): [string, Partial<SummaryRequest>] => [`by ${name}`, { groupBy: [name] }],
    ),
    ['by tier and day in Havana', { groupBy: ['tier', 'day'], timeZone: 'America/Havana' }],
    [
      'by model and provider between odd times',
      { groupBy: ['model', 'provider'], from: new Date(nowMs - 50 * DAY_MS + 7) },
    ],
    [
      'of one key by day in St. Johns',
      { filter: { apiKeyId: keys[1] }, groupBy: ['day'], timeZone: 'America/St_Johns' },
    ],
    ['of one key by model', { filter: { apiKeyId: keys[2] }, groupBy: ['model'] }],
    ['of one account by hour', { filter: { accountId: accounts[0] }, groupBy: ['hour'] }],
    ['of one provider, tier and status', { filter: { provider: 'provider-1', tier: 'standard', status: 'settled' } }],
    [
      'of one status by day and hour',
      { filter: { status: 'released' }, groupBy: ['day', 'hour'], timeZone: 'Asia/Kolkata' },
    ],
  ];

  it.each(CASES)('before anything is rolled up: %s', (_name, changes) => agree(changes));

  it('and after it, in however many steps', async () => {
    const rollups = world.app.get(RollupRepository, { strict: false });
    let steps = 1;
    while (await rollups.advance(250)) steps += 1;
    expect(steps).toBeGreaterThan(10);
    const [rolled] = await world.sql.query<{ quarters: number }[]>(
      `select count(*) filter (where grain = 'quarter')::int as quarters from usage_rollup`,
    );
    expect(rolled?.quarters).toBeGreaterThan(100);
    for (const [, changes] of CASES) await agree(changes);
  });

  it('and the upgrade that brings sums of weeks makes those that workers make', async () => {
    const WEEKS = `select to_jsonb(r) as row from usage_rollup r where grain = 'week' order by r.*`;
    const rolled = await world.sql.query<object[]>(WEEKS);
    expect(rolled.length).toBeGreaterThan(100);
    const runner = world.app.get(DataSource, { strict: false }).createQueryRunner();
    try {
      await new UsageWeeks1764000014100().down(runner);
      expect(await world.sql.query(WEEKS)).toEqual([]);
      await new UsageWeeks1764000014100().up(runner);
    } finally {
      await runner.release();
    }
    expect(await world.sql.query(WEEKS)).toEqual(rolled);
  });

  it('and when records change that were rolled up, before and after the next turn', async () => {
    await roll();
    await world.sql.query(
      `update usage_record set output_tokens = output_tokens + 1, credits_used = credits_used + 7, shortfall = shortfall + 7
        where status = 'settled' and model_key = 'model-1'`,
    );
    await agree({ groupBy: ['model', 'day'] });
    await roll();
    await agree({ groupBy: ['model', 'day'] });
    const stale = await world.sql.query<object[]>(
      'select 1 from usage_rollup_stale where starts_at < (select quarters_until from usage_rollup_state)',
    );
    expect(stale).toHaveLength(0);
  });

  it('waits with a quarter in which a freeze is still open', async () => {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 10n);
    await world.wallets.freeze(request);
    const old = `now() - interval '3 days'`;
    await world.sql.query(`update wallet_freeze set created_at = ${old} where id = $1`, [request.id]);
    await world.sql.query('delete from usage_rollup');
    await world.sql.query('delete from usage_rollup_state');
    await roll();
    const [state] = await world.sql.query<{ waits: boolean }[]>(
      `select quarters_until <= ${old} as waits from usage_rollup_state`,
    );
    expect(state?.waits).toBe(true);
    await agree({ groupBy: ['day'] });
  });

  it.each(['UTC', 'America/Havana', 'Asia/Beirut', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia'])(
    'begins each day of %s with its first moment, also where clocks are changed at midnight',
    async (timeZone) => {
      const span = [Date.UTC(2022, 0, 1) / 1000, Date.UTC(2026, 0, 1) / 1000];
      const days = await world.sql.query<{ day: string; ms: string }[]>(DAYS_OF_ZONE, [...span, timeZone]);
      const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
      const dayAt = (ms: number): string => format.format(ms);
      expect(days.length).toBeGreaterThan(1_460);
      for (const { day, ms } of days) {
        expect([day, dayAt(Number(ms)), dayAt(Number(ms) - 1) < day]).toEqual([day, day, true]);
      }
    },
  );

  it('tells percentiles of each group and of all', async () => {
    const { groups, total } = await summarize({ groupBy: ['tier'] });
    for (const { durationMs } of [...groups, total]) {
      expect(Math.abs((durationMs?.p50 ?? 0) - 500)).toBeLessThan(35);
      expect(Math.abs((durationMs?.p99 ?? 0) - 990)).toBeLessThan(60);
    }
    expect(total.firstTokenMs).toBeNull();
  });
});
