import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { PROJECT_DIR } from '../support/build.js';
import { gatewayEnvironment, GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { unique, World } from '../support/world.js';

const PROGRAM = join(PROJECT_DIR, 'dist/src/start/pool-apply.js');
const UPSTREAM_KEY = 'sk-canary-of-the-pool-file';

interface Ended {
  code: number;
  out: string;
  err: string;
}

let world: World;
let folder: string;
let sql: Client;

beforeAll(async () => {
  world = await World.create();
  folder = await mkdtemp(join(tmpdir(), 'joytoken-pool-'));
  sql = new Client({ connectionString: world.database.url });
  await sql.connect();
});

afterAll(async () => {
  await sql.end();
  await world.destroy();
  await rm(folder, { recursive: true });
});

function environment(): Record<string, string> {
  return gatewayEnvironment({ databaseUrl: world.database.url, env: { ACME_KEY: UPSTREAM_KEY } });
}

/** `npm run pool:apply`, after its build. */
function command(...args: string[]): Promise<Ended> {
  return commandWith({}, ...args);
}

/** The same with more settings. */
function commandWith(env: Record<string, string>, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], { env: { ...environment(), ...env } }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

/** A file with a provider and a model of these names at the test's upstream. */
async function fileOf(name: string, more = ''): Promise<string> {
  const file = join(folder, `${name}.yaml`);
  await writeFile(
    file,
    `version: 1
providers:
  - { name: ${name}, adapter: openai, base_url: '${world.upstream.url}', api_key: '\${ACME_KEY}' }
models:
  - model_key: ${name}
    display_name: ${name}
    tier: economy
    context_window: 8000
    max_output_tokens: 2000
    prices: [{ input_usd_mtok: '0.15', output_usd_mtok: '0.60', source: a test }]
    endpoints: [{ provider: ${name}, upstream_model: ok-n20-p10 }]
${more}`,
  );
  return file;
}

async function chat(model: string, key: string, url = world.url): Promise<Response> {
  return fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: `hello ${model}` }], max_tokens: 50 }),
  });
}

describe('npm run pool:apply', () => {
  it('makes a declared model callable on a gateway that runs, and has nothing to do the second time', async () => {
    const name = unique('declared');
    const file = await fileOf(name);
    const { key } = await world.key();
    expect((await chat(name, key)).status).toBe(404);
    const check = await command('--config', file, '--check');
    expect(check).toMatchObject({ code: 2, out: expect.stringContaining(`+ model ${name}`) as string });
    expect((await chat(name, key)).status).toBe(404);

    const applied = await command('--config', file);
    expect(applied).toMatchObject({ code: 0, out: expect.stringContaining('; applied') as string });
    const served = async (): Promise<Response | null> => {
      const response = await chat(name, key);
      return response.status === 200 ? response : null;
    };
    const answer = await pollUntil(served, 'the gateway to serve the model');
    expect(answer.headers.get('x-daoe-used-provider')).toBe(name);
    const [call] = await world.upstream.calls(`hello ${name}`);
    expect(call?.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`);

    const again = await command('--config', file, '--check', '--json');
    expect(again.code).toBe(0);
    expect(JSON.parse(again.out)).toMatchObject({ applied: false, changes: [] });
    expect([check, applied, again].map(({ out, err }) => out + err).join('')).not.toContain('canary');
  });

  it('leaves nothing when it is killed half-way', async () => {
    const name = unique('half');
    const file = await fileOf(name);
    const blocker = new Client({ connectionString: world.database.url });
    await blocker.connect();
    await blocker.query('begin; lock table audit_log in exclusive mode');
    const running = spawn(process.execPath, [PROGRAM, '--config', file], { env: environment(), stdio: 'ignore' });
    const ended = once(running, 'exit');
    // It has written the provider, and waits to write the audit row.
    const waits = async (): Promise<true | null> => {
      const found = await sql.query(`select 1 from pg_stat_activity where datname = current_database()
        and wait_event_type = 'Lock' and query like '%insert into audit_log%'`);
      return found.rowCount === 0 ? null : true;
    };
    await pollUntil(waits, 'the command to be in the middle');
    running.kill('SIGKILL');
    await ended;
    await blocker.query('rollback');
    await blocker.end();
    const left = async (): Promise<number | null> =>
      (
        await sql.query('select 1 from provider where name = $1 union all select 1 from model where model_key = $1', [
          name,
        ])
      ).rowCount;
    expect(await left()).toBe(0);
    // The killed one's lock is gone with it.
    expect(await command('--config', file)).toMatchObject({ code: 0 });
    expect(await left()).toBe(2);
  });

  it('without a key of any provider shows what it would do, and does nothing', async () => {
    const name = unique('keyless');
    const file = await fileOf(name);
    await writeFile(file, (await readFile(file, 'utf8')).replace("_KEY}' }", "_KEY}', enabled: if_key }"));
    const { code, out } = await commandWith({ ACME_KEY: '' }, '--config', file);
    expect({ code, out }).toEqual({ code: 1, out: expect.stringContaining(`+ provider ${name}`) as string });
    expect(out).toContain('nothing was applied: set one of ACME_KEY');
    expect((await sql.query('select 1 from provider where name = $1', [name])).rowCount).toBe(0);
    expect(await command('--config', file)).toMatchObject({ code: 0 });
    // A key that was stored is a key.
    expect(await commandWith({ ACME_KEY: '' }, '--config', file)).toMatchObject({ code: 0 });
  });

  it('names file, line and field of what it refuses, and says that nothing was applied', async () => {
    const file = await fileOf(unique('refused'), 'surprise: 1');
    const { code, out, err } = await command('--config', file);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('.yaml:12:1 surprise: there is no such field\nnothing was applied');
    expect(await command('--config', join(folder, 'nowhere.yaml'))).toMatchObject({ code: 1 });
    expect(await command('--frobnicate')).toMatchObject({ code: 1, err: expect.stringContaining('--help') as string });
  });
});

describe('a start with a pool file', () => {
  it('serves what the file says', async () => {
    const name = unique('started');
    const env = { ACME_KEY: UPSTREAM_KEY, GATEWAY_CONFIG: await fileOf(name) };
    const gateway = await GatewayProcess.start({ databaseUrl: world.database.url, env });
    try {
      const { key } = await world.key();
      expect((await chat(name, key, gateway.url)).status).toBe(200);
      expect(gateway.printed()).not.toContain('canary');
    } finally {
      await gateway.stop();
    }
  });

  describe('and the key of a vendor in the environment', () => {
    /** Where OpenAI is by the environment; nobody listens there. */
    const elsewhere = 'http://127.0.0.1:9/v1';
    const vendor = { OPENAI_API_KEY: 'sk-of-the-environment', OPENAI_BASE_URL: elsewhere, ACME_KEY: UPSTREAM_KEY };
    const openai = async (): Promise<{ base_url: string } | undefined> =>
      (await world.admin.get<{ data: { name: string; base_url: string }[] }>('/providers?limit=100')).data.find(
        ({ name }) => name === 'openai',
      );
    const modelsOfOpenAi = async (): Promise<(string | undefined)[]> => {
      const { rows } = await sql.query<{ key: string }>(
        `select distinct m.model_key as key from model m join model_endpoint e on e.model_id = m.id
           join provider p on p.id = e.provider_id where p.name = 'openai'`,
      );
      return rows.map(({ key }) => key);
    };
    const startWith = async (env: Record<string, string>): Promise<void> => {
      const gateway = await GatewayProcess.start({ databaseUrl: world.database.url, env });
      await gateway.stop();
    };

    it('the file wins where it declares the provider, at every start; else the environment', async () => {
      const name = unique('by-file');
      const file = await fileOf(name);
      await writeFile(
        file,
        (await readFile(file, 'utf8'))
          .replace(`name: ${name}, adapter`, 'name: openai, adapter')
          .replace(`provider: ${name},`, 'provider: openai,'),
      );
      await startWith({ ...vendor, GATEWAY_CONFIG: file });
      expect(await openai()).toMatchObject({ base_url: world.upstream.url });
      expect(await modelsOfOpenAi()).toEqual([name]);
      const { key } = await world.key();
      const served = async (): Promise<true | null> => ((await chat(name, key)).status === 200 ? true : null);
      await pollUntil(served, 'the model of the file');
      const [call] = await world.upstream.calls(`hello ${name}`);
      expect(call?.headers.authorization).toBe(`Bearer ${UPSTREAM_KEY}`);

      const byHand = await commandWith(vendor, '--config', file, '--dry-run');
      expect(byHand).toMatchObject({ code: 0, err: '' });
      expect(byHand.out).toContain(`the next start moves it to ${elsewhere} (OPENAI_BASE_URL)`);
      expect((await commandWith({ ...vendor, GATEWAY_CONFIG: file }, '--dry-run')).out).not.toContain('the next start');

      await startWith(vendor);
      expect(await openai()).toMatchObject({ base_url: elsewhere });
      expect(await modelsOfOpenAi()).toContain('gpt-4.1-mini');
      await startWith({ ...vendor, GATEWAY_CONFIG: file });
      expect(await openai()).toMatchObject({ base_url: world.upstream.url });
    });
  });

  it('ends at once when the file is refused', async () => {
    const file = await fileOf(unique('refused'), 'surprise: 1');
    const program = [join(PROJECT_DIR, 'dist/src/main.js'), '--config', file];
    const ended = await new Promise<Ended>((resolve) => {
      execFile(process.execPath, program, { env: environment() }, (error, out, err) => {
        resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
    expect(ended).toMatchObject({
      code: 1,
      err: expect.stringContaining('surprise: there is no such field') as string,
    });
  });
});
