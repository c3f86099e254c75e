import { Client } from 'pg';
import { readConfig } from '../../src/platform/config/index.js';
import { HotConnectionFactory, type HotConnection } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';

const LOCK = 4711;

describe('a dedicated connection', () => {
  let database: TestDatabase;
  let holder: Client;
  let factory: HotConnectionFactory;
  let connection: HotConnection;

  beforeAll(async () => {
    database = await createTestDatabase();
    holder = new Client({ connectionString: database.url });
    await holder.connect();
    factory = new HotConnectionFactory(readConfig({ DATABASE_URL: database.url }, { needsSecrets: false }));
    connection = factory.create('test');
  });

  afterAll(async () => {
    await holder.end();
    await factory.onApplicationShutdown();
    await database.drop();
  });

  it('lets the statements that run or wait have their answers before it closes, and takes no more', async () => {
    await holder.query('select pg_advisory_lock($1)', [LOCK]);
    const running = connection.query('locked', 'select pg_advisory_xact_lock($1)::text as got', [LOCK]);
    const waiting = connection.query('after', 'select 2 as two');
    await pollUntil(waitsForLock, 'the statement to wait for the lock');
    const closed = connection.close();
    await expect(connection.query('late', 'select 3')).rejects.toMatchObject({ kind: 'unavailable' });
    await holder.query('select pg_advisory_unlock($1)', [LOCK]);
    await closed;
    expect([await running, await waiting]).toEqual([[{ got: '' }], [{ two: 2 }]]);
  });

  async function waitsForLock(): Promise<true | null> {
    const { rows } = await holder.query(
      `select 1 from pg_locks where locktype = 'advisory' and not granted and objid = $1
        and database = (select oid from pg_database where datname = current_database())`,
      [LOCK],
    );
    return rows.length > 0 ? true : null;
  }
});
