import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import { runCommand } from '../support/command.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const SECRET = `1:${Buffer.alloc(32, 7).toString('base64')}`;
const SECRETS = { HASH_SECRETS: SECRET, ENCRYPTION_SECRETS: SECRET };
const month = new Date().toISOString().slice(0, 7);
const NOBODY = '01980000-0000-7000-8000-000000000001';

/** What reads, with ordinary arguments. */
const READING: Readonly<Record<string, readonly string[]>> = {
  'verify-ledger': [],
  'seal-verify': [],
  explain: ['my-label'],
  statement: [NOBODY, month],
  'statement-check': ['--provider', 'acme', '--file', '-'],
  're-rate': ['--from', '2026-11-01', '--to', '2026-12-01'],
  'secrets-rotate': ['--check'],
};

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  [folder, database] = await Promise.all([mkdtemp(join(tmpdir(), 'joytoken-reading-')), createTestDatabase()]);
  await writeFile(join(folder, 'pool.yaml'), 'version: 1\n');
});
afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true });
});

const LINES = 'date,model,requests,cost_usd\n2026-11-01,m,1,1\n';

/** Commands that read never make what they look for, and say where they looked. */
describe('a command that reads', () => {
  it('makes no database where there is none, and names the folder', async () => {
    const dataDir = join(folder, 'typo');
    const pool = { 'pool-apply': ['--config', join(folder, 'pool.yaml'), '--dry-run'] };
    for (const [name, args] of Object.entries({ ...READING, ...pool })) {
      const { code, stdout, stderr } = await runCommand(name, args, { DATA_DIR: dataDir }, LINES);
      expect([name, code, stdout]).toEqual([name, name === 'pool-apply' ? 1 : 2, '']);
      expect([name, stderr]).toEqual([name, expect.stringContaining(`no database in the data folder ${dataDir}`)]);
    }
    expect(await readdir(folder)).toEqual(['pool.yaml']);
  });

  it('names the database that is not there, or has no schema, and no password', async () => {
    const missing = new URL(database.url);
    missing.pathname = '/nowhere_at_all';
    const ended = await runCommand('secrets-rotate', ['--check'], { DATABASE_URL: missing.href, ...SECRETS });
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain(`cannot open database nowhere_at_all on ${missing.host}`);
    expect(ended.stderr).not.toContain(missing.password);
  });

  it('says where it looked, whether it found anything or not', async () => {
    const url = new URL(database.url);
    const place = `database ${url.pathname.slice(1)} on ${url.host}`;
    const env = { DATABASE_URL: database.url, ...SECRETS };
    const found = await runCommand('verify-ledger', [], env);
    expect(found).toMatchObject({ code: 0, stdout: expect.stringMatching(`^looked in ${place}\n`) as string });
    const nobody = await runCommand('verify-ledger', ['--account', NOBODY], env);
    expect(nobody).toEqual({ code: 2, stdout: '', stderr: `not verified: no such account in ${place}\n` });
    const request = await runCommand('explain', ['my-label'], env);
    expect(request).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no such request in ${place}`) as string,
    });
  });

  it('writes the statement of the current month of an account to which nothing happened yet', async () => {
    const id = newId();
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(`insert into account (id, kind, name) values ($1, 'personal', 'new')`, [id]);
    await client.end();
    const env = { DATABASE_URL: database.url, ...SECRETS };
    const { code, stdout, stderr } = await runCommand('statement', [id, month, '--format', 'json'], env);
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ month, provisional: true });
  });
});
