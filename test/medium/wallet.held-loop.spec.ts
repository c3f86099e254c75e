import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import { ensureBuilt, PROJECT_DIR } from '../support/build.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';

/** A living process whose event loop stands still keeps its lease, and ends itself when that lasts. */
const HELD_MAX_MS = 8_000;
const RENEWALS = 4;

describe('a held event loop', () => {
  let database: TestDatabase;
  let sql: Client;
  beforeAll(async () => {
    await ensureBuilt();
    database = await createTestDatabase();
    sql = new Client({ connectionString: database.url });
    await sql.connect();
  });
  afterAll(async () => {
    await sql.end();
    await database.drop();
  });

  async function leaseOf(processId: string): Promise<{ until: string; lives: boolean } | null> {
    const found = await sql.query<{ until: string; lives: boolean }>(
      `select lease_until::text as until, lease_until > now() as lives from process_lease where process_id = $1`,
      [processId],
    );
    return found.rows[0] ?? null;
  }

  it('does not end the lease, until it has stood still for too long: then the process ends', async () => {
    const processId = newId();
    const args = ['dist/test/support/held-process.js', database.url, processId, HELD_MAX_MS.toString()];
    const held = spawn(process.execPath, args, { cwd: PROJECT_DIR, stdio: ['ignore', 'inherit', 'pipe'] });
    let said = '';
    held.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(held, 'exit');
    const seen = new Set<string>();
    await pollUntil(async () => {
      const lease = await leaseOf(processId);
      if (lease !== null) seen.add(lease.until);
      return seen.size >= RENEWALS ? true : null;
    }, 'renewals by a process that does nothing else');
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(said).toContain('the event loop stood still for 8000 ms: this process ends');
    const isOver = async (): Promise<true | null> => ((await leaseOf(processId))?.lives === false ? true : null);
    await pollUntil(isOver, 'the end of its lease');
  });
});
