import { createServer, type AddressInfo } from 'node:net';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { readConfig } from '../../src/platform/config/index.js';
import { HotConnectionFactory, type HotConnection } from '../../src/platform/database/index.js';
import { prepareSession } from '../../src/platform/database/session.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';

const LOCK = 4711;

/** A server that says in one breath: you are in, I am ready, I was told to end. */
const READY_AND_ENDED = Buffer.concat([
  message('R', '\0\0\0\0'),
  message('Z', 'I'),
  message('E', 'SFATAL\0C57P01\0Mterminating connection\0\0'),
]);

function message(kind: string, body: string): Buffer {
  const head = Buffer.alloc(5);
  head.write(kind);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, Buffer.from(body, 'latin1')]);
}

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

  it('commits durably and reads what is committed, whatever the database has for a default', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await holder.query(`alter database ${name} set default_transaction_isolation = 'serializable'`);
    await holder.query(`alter database ${name} set synchronous_commit = off`);
    await holder.query(`alter database ${name} set datestyle = 'German'`);
    const show = `select current_setting('transaction_isolation') as isolation, current_setting('synchronous_commit') as commit,
      current_setting('datestyle') like 'ISO%' as iso`;
    const expected = [{ isolation: 'read committed', commit: 'on', iso: true }];
    expect(await factory.create('new').query('show', show)).toEqual(expected);
    const source = new DataSource({ type: 'postgres', url: database.url, extra: { onConnect: prepareSession } });
    await source.initialize();
    expect(await source.query(show)).toEqual(expected);
    await source.destroy();
  });

  it('of the pool may be ended in the moment in which it is ready, and the process lives on', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.end(READY_AND_ENDED)));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const url = `postgres://nobody@127.0.0.1:${port.toString()}/nothing`;
    const source = new DataSource({ type: 'postgres', url, extra: { onConnect: prepareSession } });
    await expect(source.initialize()).rejects.toThrow();
    await new Promise((resolve) => server.close(resolve));
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
