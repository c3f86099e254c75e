import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import { SecretBox } from '../../src/platform/secrets/index.js';
import { ensureBuilt, PROJECT_DIR } from '../support/build.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { gatewayEnvironment } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';

const OLD = `1:${Buffer.alloc(32, 1).toString('base64')}`;
const NEW = `2:${Buffer.alloc(32, 2).toString('base64')}`;
const BOTH = { ENCRYPTION_SECRETS: `${NEW},${OLD}` };
const PROGRAM = join(PROJECT_DIR, 'dist/src/start/secrets-rotate.js');

interface Ended {
  code: number;
  printed: string;
}

let database: TestDatabase;
let sql: Client;

beforeAll(() => ensureBuilt());

beforeEach(async () => {
  database = await createTestDatabase();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});

afterEach(async () => {
  await sql.end();
  await database.drop();
});

function environment(env: Record<string, string>): Record<string, string> {
  return gatewayEnvironment({ databaseUrl: database.url, env });
}

/** `npm run secrets:rotate`, after its build. */
function command(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env: environment(env) }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, printed: stdout + stderr });
    });
  });
}

/** Providers with keys that the old secret has sealed, and one without a key. */
async function seal(count: number): Promise<void> {
  const box = new SecretBox({ ENCRYPTION_SECRETS: OLD });
  const ids = Array.from({ length: count }, () => newId());
  const sealed = ids.map((id) => box.seal(`sk-canary-${id}`, `provider:${id}`));
  const insert = `insert into provider (id, name, adapter, base_url, api_key_sealed)
    select id, id::text, 'openai', 'https://api.acme.example/v1', sealed from unnest($1::uuid[], $2::text[]) as k (id, sealed)`;
  await sql.query(insert, [
    [...ids, newId()],
    [...sealed, null],
  ]);
}

/** How many keys each secret seals. Fails when one cannot be opened, or is another's. */
async function sealedBy(secrets: string): Promise<Record<string, number>> {
  const box = new SecretBox({ ENCRYPTION_SECRETS: secrets });
  const found: Record<string, number> = {};
  const { rows } = await sql.query<{ id: string; sealed: string }>(
    'select id, api_key_sealed as sealed from provider where api_key_sealed is not null',
  );
  for (const { id, sealed } of rows) {
    expect(box.open(sealed, `provider:${id}`)).toBe(`sk-canary-${id}`);
    const number = String(box.numberOf(sealed));
    found[number] = (found[number] ?? 0) + 1;
  }
  return found;
}

describe('the command that changes the encryption secret', () => {
  it('leaves every key readable when it is killed half-way, goes on from there, and lets the old secret go', async () => {
    await seal(700);
    const running = spawn(process.execPath, [PROGRAM], { env: environment(BOTH), stdio: 'ignore' });
    const ended = once(running, 'exit');
    const hasBegun = async (): Promise<true | null> => {
      const { rowCount } = await sql.query(`select 1 from provider where api_key_sealed like 'v2.%' limit 1`);
      return rowCount === 1 ? true : null;
    };
    await pollUntil(hasBegun, 'the first key to be sealed again');
    running.kill('SIGKILL');
    await ended;
    const half = await sealedBy(BOTH.ENCRYPTION_SECRETS);
    expect((half['1'] ?? 0) + (half['2'] ?? 0)).toBe(700);
    const { code, printed } = await command(BOTH, '--json');
    expect(JSON.parse(printed)).toMatchObject({
      newest_secret: 2,
      stores: [
        { store: 'provider keys', by_secret: { 2: 700 }, unreadable_count: 0 },
        { store: 'webhook secrets', by_secret: {}, unreadable_count: 0 },
      ],
    });
    expect(code).toBe(0);
    expect(printed).not.toContain('canary');
    expect(await sealedBy(NEW)).toEqual({ 2: 700 });
  });

  it('names keys that no secret opens, and changes them never', async () => {
    await seal(2);
    const before = await sql.query('select id, api_key_sealed from provider order by id');
    const { code, printed } = await command({ ENCRYPTION_SECRETS: NEW }, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(printed)).toMatchObject({ stores: [{ by_secret: { 1: 2 }, unreadable_count: 2 }, {}] });
    expect((await sql.query('select id, api_key_sealed from provider order by id')).rows).toEqual(before.rows);
  });
});
