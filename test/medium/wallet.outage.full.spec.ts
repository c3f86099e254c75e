import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import { adminDatabaseUrl } from '../support/database.js';
import { MoneyWorld } from '../support/money-world.js';
import { pollUntil } from '../support/poll.js';

/** Longer than an interruption that sweepers notice, and than what is left of the leases below. */
const AWAY_MS = 10_000;
/** Longer than a sweep takes to come by, much shorter than the grace after an interruption. */
const LATE_MS = 2_500;

describe('a way to the database that was interrupted for everybody', () => {
  let world: MoneyWorld;
  let operator: Client;
  beforeAll(async () => {
    world = await MoneyWorld.start({ workers: true });
    operator = new Client({ connectionString: adminDatabaseUrl() });
    await operator.connect();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
    await operator.end();
  });

  const stateOf = async (id: string): Promise<string | undefined> => {
    const rows = await world.sql.query<{ state: string }[]>('select state from wallet_freeze where id = $1', [id]);
    return rows[0]?.state;
  };

  /** A freeze of another process, which renews its lease like any other. */
  async function freezeOfAnother(processId: string): Promise<string> {
    const request = world.freezeRequest(await world.account(1_000n), 100n);
    await world.sql.query(`insert into process_lease values ($1, 'gateway', now() + interval '5 seconds')`, [
      processId,
    ]);
    await world.wallets.freeze(request);
    await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [processId, request.id]);
    return request.id;
  }

  it('leaves living processes the time to say that they live; those that do not are dead', async () => {
    const [living, dead] = [newId(), newId()];
    const [ofLiving, ofDead] = [await freezeOfAnother(living), await freezeOfAnother(dead)];
    const name = new URL(world.database.url).pathname.slice(1);
    await operator.query(`alter database ${name} allow_connections false`);
    await operator.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    await sleep(AWAY_MS);
    await operator.query(`alter database ${name} allow_connections true`);
    await sleep(LATE_MS);
    await world.sql.query(`update process_lease set lease_until = now() + interval '5 minutes' where process_id = $1`, [
      living,
    ]);
    await pollUntil(async () => ((await stateOf(ofDead)) === 'expired' ? true : null), 'the dead one to be noticed');
    expect(await stateOf(ofLiving)).toBe('held');
  }, 120_000);
});
