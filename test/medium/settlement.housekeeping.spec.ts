import { Housekeeping } from '../../src/billing/jobs/housekeeping.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

const DAY_MS = 86_400_000;

describe('housekeeping', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  const count = async (table: string, where = 'true'): Promise<number> => {
    const [row] = await world.sql.query<{ count: string }[]>(`select count(*) from ${table} where ${where}`);
    return Number(row?.count);
  };

  it('deletes traces that are older than their retention, however many, and keeps the others', async () => {
    const nowMs = Date.now();
    const ids = (ageDays: number, many: number) =>
      Array.from({ length: many }, () => newRequestId(nowMs - ageDays * DAY_MS));
    const insert = `insert into request_trace (request_id, client_request_id, status, stage, stages, created_at)
      select id, 'x', 404, 'route', '[]', now() from unnest($1::text[]) id`;
    await world.sql.query(insert, [[...ids(31, 12_000), ...ids(29, 10)]]);
    await world.app.get(Housekeeping).clean();
    expect(await count('request_trace')).toBe(10);
  });

  it('deletes packs of served traces by the same age', async () => {
    const nowS = Math.floor(Date.now() / 1000);
    const insert = `insert into trace_pack (received_s, pack_id, lines)
      select $1::bigint - n, gen_random_uuid(), '' from generate_series(0, $2::integer - 1) n`;
    await world.sql.query(insert, [nowS - 31 * (DAY_MS / 1000), 1_200]);
    await world.sql.query(insert, [nowS - 29 * (DAY_MS / 1000), 10]);
    await world.app.get(Housekeeping).clean();
    expect(await count('trace_pack')).toBe(10);
  });

  it('goes by the clock of the database, not by that of its machine', async () => {
    await world.sql.query(`insert into request_trace (request_id, client_request_id, status, stage, stages, created_at)
      values ('${newRequestId()}', 'x', 404, 'route', '[]', now())`);
    const before = await count('request_trace');
    const realNow = Date.now;
    Date.now = () => realNow() + 400 * DAY_MS;
    await world.app
      .get(Housekeeping)
      .clean()
      .finally(() => {
        Date.now = realNow;
      });
    expect(await count('request_trace')).toBe(before);
  });

  it('deletes leases that are long over, and keeps its own', async () => {
    await world.sql.query(`insert into process_lease values ($1, 'gateway', now() - interval '2 hours')`, [newId()]);
    await world.sql.query(`insert into process_lease values ($1, 'gateway', now() - interval '1 minute')`, [newId()]);
    await world.app.get(Housekeeping).clean();
    expect(await count('process_lease')).toBe(2);
  });

  it('deletes change notices of yesterday, and always keeps the newest ten thousand', async () => {
    await world.sql.query(`insert into config_change (version, entity, entity_id, created_at)
      select v, 'policy', 'x', now() - interval '2 days'
        from generate_series((select version + 1 from config_version), (select version + 12000 from config_version)) v`);
    await world.sql.query('update config_version set version = version + 12000');
    await world.app.get(Housekeeping).clean();
    expect(await count('config_change', `created_at < now() - interval '1 day'`)).toBe(10_000);
  });
});
