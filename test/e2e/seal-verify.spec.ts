import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import { ensureBuilt, PROJECT_DIR } from '../support/build.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { gatewayEnvironment } from '../support/gateway.js';

interface Ended {
  code: number;
  printed: string;
}

let database: TestDatabase;
let client: Client;
beforeAll(async () => {
  [database] = await Promise.all([createTestDatabase(), ensureBuilt()]);
  client = new Client({ connectionString: database.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** `npm run seal:verify`, after its build. */
function command(...args: string[]): Promise<Ended> {
  const program = join(PROJECT_DIR, 'dist/src/start/seal-verify.js');
  const options = { env: gatewayEnvironment({ databaseUrl: database.url }) };
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, printed: stdout + stderr });
    });
  });
}

describe('the command that verifies the seals', () => {
  it('ends with 0 while nothing is broken, with 1 and the first broken row otherwise', async () => {
    const accountId = newId();
    await client.query(`insert into account (id, kind, name) values ($1, 'personal', 'test')`, [accountId]);
    for (const key of ['a', 'b']) {
      await client.query(`select * from wallet_credit($1, 'standard', 'top_up', 7, $2, 'test')`, [accountId, key]);
    }
    const good = await command();
    expect(good).toMatchObject({ code: 0, printed: expect.stringContaining('2 rows not sealed yet') as string });
    await client.query(`set session_replication_role = replica`);
    await client.query('delete from ledger_entry where seq = 1');
    const { code, printed } = await command('--json');
    expect(code).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({ firstBroken: { fault: 'missing_row', accountId, seq: '1' } });
  });

  it('ends with 2 when it cannot read a checkpoint file', async () => {
    const { code, printed } = await command('--file', '/nowhere/checkpoints.jsonl');
    expect(code).toBe(2);
    expect(printed).toContain('/nowhere/checkpoints.jsonl');
  });
});
