import { Client } from 'pg';
import { UsageSummaryService } from '../../src/analytics/index.js';
import { Roller } from '../../src/analytics/jobs/roller.js';
import { fillUsage, rolledInBulk } from '../bench/usage-records.js';
import { MoneyWorld } from '../support/money-world.js';

describe('the usage records that summaries are measured on', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  it('are records as the product writes them, and rolled up with every index in place', async () => {
    const sql = new Client({ connectionString: world.database.url });
    await sql.connect();
    try {
      await fillUsage(sql, { records: 2_000, chunk: 900 }, () => undefined);
      // Of a year, of which these are the last days: more would only take longer.
      await sql.query(`delete from usage_record where created_at < now() - interval '5 days'`);
      const indexes = `select indexdef from pg_indexes where tablename in ('usage_record', 'usage_rollup') order by 1`;
      const before = (await sql.query(indexes)).rows;
      await rolledInBulk(sql, () => world.app.get(Roller, { strict: false }).roll());
      expect((await sql.query(indexes)).rows).toEqual(before);
      // Written without their indexes, which must be whole again.
      const twice = 'insert into usage_record select * from usage_record limit 1';
      await expect(sql.query(twice)).rejects.toThrow('usage_record_pkey');
      const { rows } = await sql.query<{ n: number }>('select count(*)::integer as n from usage_record');
      const { total } = await world.app
        .get(UsageSummaryService, { strict: false })
        .summarize({ filter: {}, groupBy: ['model'], timeZone: 'UTC', from: null, to: null });
      expect(total.sums.requests).toBe(rows[0]?.n);
      expect(total.firstTokenMs?.p50).toBeGreaterThan(100);
    } finally {
      await sql.end();
    }
  });
});
