import { readFile } from 'node:fs/promises';
import { Client } from 'pg';
import { PoolRefusedError } from '../../src/admin/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { changesOf, notesOf, PoolProcess, type PoolFlags } from './pool.process.js';

const ENVIRONMENT = { ACME_KEY: 'sk-canary-acme', BETA_KEY: 'sk-canary-beta' };

interface Price {
  from?: string;
  input: string;
  source?: string;
}

/** A file with one provider and one model; `prices` by their input rate. */
function poolOf({
  prices = [{ input: '1' }],
  more = '',
  model = '',
  provider = '',
}: {
  prices?: readonly Price[];
  more?: string;
  model?: string;
  provider?: string;
} = {}): string {
  const lines = prices.map(({ from, input, source = 'price list' }) => {
    const time = from === undefined ? '' : `, effective_at: '${from}'`;
    const origin = source === '' ? '' : `, source: ${source}`;
    return `      - { input_usd_mtok: '${input}', output_usd_mtok: '2'${origin}${time} }`;
  });
  return `
version: 1
providers:
  - { name: acme, adapter: openai, base_url: 'https://8.8.8.8/v1/', api_key: '\${ACME_KEY}'${provider} }
models:
  - model_key: acme/small
    display_name: Acme Small
    tier: standard
    feature_tags: [chat]
    context_window: 8000
    max_output_tokens: 2000
${model}
    prices:
${lines.join('\n')}
    endpoints:
      - { provider: acme, upstream_model: small-1, timeouts: { headers_ms: 9000 } }
${more}`;
}

describe('a pool file and the database', () => {
  let database: TestDatabase;
  let sql: Client;
  let pool: PoolProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    pool = await PoolProcess.start(database.url);
  });

  afterEach(async () => {
    await sql.query('update model set enabled = false, current_price_id = null');
    for (const table of ['model_price', 'model', 'provider', 'policy', 'audit_log'])
      await sql.query(`delete from ${table}`);
  });

  afterAll(async () => {
    await pool.stop();
    await sql.end();
    await database.drop();
  });

  const apply = (text: string, flags: PoolFlags = {}) => pool.apply(text, { environment: ENVIRONMENT, ...flags });

  async function rows(query: string): Promise<Record<string, unknown>[]> {
    return (await sql.query<Record<string, unknown>>(query)).rows;
  }

  async function faultsOf(text: string, flags: PoolFlags = {}): Promise<string> {
    const error: unknown = await apply(text, flags).catch((one: unknown) => one);
    if (error instanceof PoolRefusedError) return error.message;
    throw new Error(`not refused: ${String(error)}`);
  }

  it('become the same, with an audit row for each change, and then nothing is left to change', async () => {
    const first = await apply(poolOf({ more: 'policies: [{ name: office, allowed_tiers: [standard, economy] }]' }));
    expect(changesOf(first)).toEqual([
      'create provider acme',
      'create policy office',
      'create model acme/small',
      'create price acme/small',
      'create endpoint acme/small at acme/small-1',
      'change model acme/small',
    ]);
    expect(await rows('select model_key, enabled from model')).toEqual([{ model_key: 'acme/small', enabled: true }]);
    // 1 USD and 20 %, at 1000 credits for a dollar.
    expect(await rows('select input_per_mtok::text as input from model_price')).toEqual([{ input: '1200000000' }]);
    expect(await rows('select base_url from provider')).toEqual([{ base_url: 'https://8.8.8.8/v1' }]);
    const audit = await rows('select actor, action, before, after from audit_log order by id');
    expect(audit).toHaveLength(first.changes.length);
    expect(audit[3]).toMatchObject({ actor: 'pool:apply', action: 'price.create', after: { source: 'price list' } });
    expect(JSON.stringify([audit, first, await rows('select * from provider')])).not.toContain('canary');

    const again = await apply(poolOf({ more: 'policies: [{ name: office, allowed_tiers: [standard, economy] }]' }));
    expect(changesOf(again)).toEqual([]);
    expect(await rows('select 1 from audit_log')).toHaveLength(audit.length);
  });

  it('differ in a dry run, which changes nothing', async () => {
    const report = await apply(poolOf(), { dryRun: true });
    expect(report).toMatchObject({ isApplied: false, changes: expect.any(Array) as unknown[] });
    expect(report.changes.length).toBeGreaterThan(3);
    expect(
      await rows('select 1 from provider union all select 1 from model union all select 1 from audit_log'),
    ).toEqual([]);
  });

  it('differ in one field: only that one is changed', async () => {
    await apply(poolOf());
    const report = await apply(poolOf({ model: '    description: New words.' }));
    expect(report.changes).toEqual([
      {
        action: 'change',
        resource: 'model',
        name: 'acme/small',
        fields: [{ field: 'description', before: '', after: 'New words.' }],
      },
    ]);
  });

  it('agree about a key that was changed, and show neither', async () => {
    await apply(poolOf());
    const report = await apply(poolOf(), { environment: { ...ENVIRONMENT, ACME_KEY: 'sk-canary-new' } });
    expect(report.changes).toMatchObject([
      { resource: 'provider', fields: [{ field: 'api_key', after: '${ACME_KEY}' }] },
    ]);
    expect(changesOf(await apply(poolOf(), { environment: { ...ENVIRONMENT, ACME_KEY: 'sk-canary-new' } }))).toEqual(
      [],
    );
  });

  it('make a new price version of a changed price, and schedule one to come, once', async () => {
    await apply(poolOf());
    const timeline = [{ input: '2' }, { input: '3', from: '2100-01-01T00:00:00Z' }];
    const report = await apply(poolOf({ prices: timeline }));
    expect(changesOf(report)).toEqual([
      'create price acme/small',
      'create price acme/small from 2100-01-01T00:00:00.000Z',
      // It costs us more, too.
      'change endpoint acme/small at acme/small-1',
    ]);
    expect(changesOf(await apply(poolOf({ prices: timeline })))).toEqual([]);
    const versions =
      'select version, input_per_mtok::text as input, effective_at > now() as later from model_price order by version';
    expect(await rows(versions)).toEqual([
      { version: 1, input: '1200000000', later: false },
      { version: 2, input: '2400000000', later: false },
      { version: 3, input: '3600000000', later: true },
    ]);
    expect(changesOf(await apply(poolOf({ prices: [{ input: '2' }] })))).toEqual([]);
    expect(changesOf(await apply(poolOf({ prices: [{ input: '2' }] }), { prune: true }))).toEqual([
      'cancel price acme/small from 2100-01-01T00:00:00.000Z',
    ]);
    expect(await rows(versions)).toHaveLength(2);
  });

  it('refuse a price that jumps, unless that is meant', async () => {
    await apply(poolOf());
    expect(await faultsOf(poolOf({ prices: [{ input: '11' }] }))).toMatch(
      /^pool\.yaml:\d+:\d+ models\[0\]\.prices\[0\]\.input_usd_mtok: goes from/,
    );
    await expect(apply(poolOf({ prices: [{ input: '11' }] }), { allowPriceJumps: true })).resolves.toMatchObject({
      isApplied: true,
    });
  });

  it('leave a model disabled whose price has no source, that has none, or that can be called nowhere', async () => {
    const unsourced = await apply(poolOf({ prices: [{ input: '1', source: '' }] }));
    expect(notesOf(unsourced)).toEqual([
      'a price without a source is not taken',
      expect.stringContaining('no price') as string,
    ]);
    expect(await rows('select enabled from model')).toEqual([{ enabled: false }]);
    expect(await rows('select 1 from model_price')).toEqual([]);
    await apply(poolOf());
    const uncallable = await apply(poolOf({ provider: ', enabled: false' }));
    expect(notesOf(uncallable)).toEqual([expect.stringContaining('none of its endpoints') as string]);
    expect(await rows('select enabled from model')).toEqual([{ enabled: false }]);
  });

  it('leave out a provider whose key is not there, and keep one that has got its key before', async () => {
    const optional = poolOf({ provider: ', enabled: if_key' });
    const without = await apply(optional, { environment: {} });
    expect(notesOf(without)[0]).toContain('ACME_KEY is not set');
    expect(await rows('select enabled from provider')).toEqual([{ enabled: false }]);
    expect(changesOf(await apply(optional))).toEqual(['change provider acme', 'change model acme/small']);
    expect(changesOf(await apply(optional, { environment: {} }))).toEqual([]);
    expect(await faultsOf(poolOf(), { environment: {} })).toContain('ACME_KEY is not set');
  });

  it('leave alone what the file does not mention; --prune disables it and deletes nothing', async () => {
    await apply(poolOf());
    const other = `
version: 1
providers: [{ name: beta, adapter: openai, base_url: 'https://8.8.4.4/v1', api_key: '\${BETA_KEY}' }]
`;
    expect(changesOf(await apply(other))).toEqual(['create provider beta']);
    expect(changesOf(await apply(other, { prune: true }))).toEqual([
      'disable provider acme',
      'disable model acme/small',
    ]);
    expect(changesOf(await apply(other, { prune: true }))).toEqual([]);
    expect(await rows('select name, enabled from provider order by name')).toEqual([
      { name: 'acme', enabled: false },
      { name: 'beta', enabled: true },
    ]);
    expect(await rows('select 1 from model_price')).toHaveLength(1);
    // Everything comes back as it was.
    expect(changesOf(await apply(poolOf()))).toEqual(['change provider acme', 'change model acme/small']);
  });

  it('are refused together, with every line, when what the operations refuse is in it', async () => {
    const text = `version: 1
providers:
  - { name: acme, adapter: pigeon, base_url: 'https://8.8.8.8/v1' }
  - { name: beta, adapter: openai, base_url: 'http://169.254.169.254/latest' }
models:
  - model_key: acme/small
    display_name: Acme Small
    tier: standard
    context_window: 8000
    max_output_tokens: 2000
    endpoints:
      - { provider: nobody, upstream_model: small-1 }
policies:
  - name: office
    ip_allowlist: [10.0.0.0/8, 300.1.1.1]
`;
    const lines = (await faultsOf(text)).split('\n').map((line) => line.split(' ', 2).join(' '));
    expect(lines).toEqual([
      'pool.yaml:3:28 providers[0].adapter:',
      'pool.yaml:4:46 providers[1].base_url:',
      'pool.yaml:12:21 models[0].endpoints[0].provider:',
      'pool.yaml:15:19 policies[0].ip_allowlist:',
    ]);
    expect(await rows('select 1 from provider union all select 1 from model union all select 1 from policy')).toEqual(
      [],
    );
  });

  it('are applied by two at the same time as by one after the other', async () => {
    const other = await PoolProcess.start(database.url);
    try {
      const reports = await Promise.all([apply(poolOf()), other.apply(poolOf(), { environment: ENVIRONMENT })]);
      expect(reports.map(({ changes }) => changes.length > 0).sort()).toEqual([false, true]);
      expect(await rows('select 1 from model_price')).toHaveLength(1);
    } finally {
      await other.stop();
    }
  });

  it('agree when the file is the one that is shipped, with all keys or none, and say what is missing', async () => {
    const shipped = await readFile('config/gateway.yaml', 'utf8');
    const names = [...shipped.matchAll(/\$\{([A-Z_]+)\}/g)].map(([, name]) => name ?? '');
    expect(names.length).toBeGreaterThan(7);
    await apply(shipped, { environment: {} });
    expect(await rows('select 1 from model where enabled')).toEqual([]);
    const environment = Object.fromEntries(names.map((name) => [name, `sk-canary-${name}`]));
    await apply(shipped, { environment });
    expect(changesOf(await apply(shipped, { environment }))).toEqual([]);
    const disabled = await rows('select model_key from model where not enabled order by model_key');
    const priced = 'select model_id from model_price';
    expect(disabled).toEqual(await rows(`select model_key from model where id not in (${priced}) order by model_key`));
    const enabled = await rows(
      'select tier, count(*)::int as models from model where enabled group by tier order by tier',
    );
    expect(enabled.map(({ tier }) => tier)).toEqual(['economy', 'premium', 'standard']);
    // Nobody is charged less than the vendor asks.
    const cheap = `select 1 from model m join tier_rate t on t.tier = m.tier join model_price p on p.model_id = m.id
      join model_endpoint e on e.model_id = m.id
      where p.effective_at <= now() and (p.input_per_mtok * t.usd_per_credit < e.input_usd_mtok * 1000000
        or p.output_per_mtok * t.usd_per_credit < e.output_usd_mtok * 1000000)`;
    expect(await rows(cheap)).toEqual([]);
  });
});
