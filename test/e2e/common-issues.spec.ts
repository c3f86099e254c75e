import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { TraceView } from '../support/admin.js';
import { PROJECT_DIR } from '../support/build.js';
import { chat, chatStream, errorOf, prompt, requestIdOf } from '../support/chat.js';
import { gatewayEnvironment } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { World, type KeyOptions, type TestKey } from '../support/world.js';

/** What operators look for most often; each is provoked, and the explanation must name the cause and the next step. */

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.destroy());

const refused = async (
  key: TestKey,
  model: string,
  more: Record<string, unknown> = {},
  headers = {},
): Promise<Response> => chat(world.url, prompt(model, more), { key: key.key, headers });

/** The answer's error with the operator's explanation of the request. */
async function both(response: Response): Promise<{ error: Awaited<ReturnType<typeof errorOf>>; trace: TraceView }> {
  return { error: await errorOf(response), trace: await world.admin.trace(requestIdOf(response)) };
}

const stage = (trace: TraceView, name: string): Record<string, unknown> => ({
  ...trace.stages.find((one) => one.stage === name),
});

describe('works locally, 403 in production', () => {
  const office = { ip_allowlist: ['203.0.113.0/24'] };

  it('names the address that was seen, how it was derived, and the header that was not believed', async () => {
    const { key: model } = await world.model();
    const key = await world.key({ policy: office });
    const { error, trace } = await both(await refused(key, model, {}, { 'x-forwarded-for': '203.0.113.9' }));
    expect(error).toMatchObject({ status: 403, type: 'policy_rejected', code: 'ip_not_allowed' });
    expect(JSON.stringify(error)).not.toMatch(/127\.0\.0\.1|203\.0\.113/);
    expect(trace.verdict).toMatch(
      /came from 127\.0\.0\.1 \(the peer of the connection\), which the allowlist of policy/,
    );
    expect(trace.next_step).toMatch(/ip_allowlist.*x-forwarded-for.*TRUSTED_PROXIES/);
    expect(stage(trace, 'policy')).toMatchObject({ client_ip: '127.0.0.1', client_ip_source: 'socket' });
  });

  it.each<[string, KeyOptions, RegExp]>([
    ["the production key's tier", { fields: { tier: 'economy' } }, /asks for premium, the key allows only economy/],
    ['its policy', { policy: { allowed_tiers: ['standard'] } }, /asks for premium.*its policy allows standard/],
  ])('names %s', async (_what, options, verdict) => {
    const { trace } = await both(await refused(await world.key(options), 'auto', { tier: 'premium' }));
    expect(trace.verdict).toMatch(verdict);
    expect(trace.next_step).toMatch(/allowed_tiers/);
  });
});

describe('auto works, a model by name fails', () => {
  it("names the key's fixed model", async () => {
    const [bound, other] = [await world.model(), await world.model()];
    const key = await world.key({ fields: { fixed_model: bound.key } });
    const { error, trace } = await both(await refused(key, other.key));
    expect(error).toMatchObject({ status: 403, code: 'fixed_model' });
    expect(trace.verdict).toBe(`The key is bound to the model ${bound.key}; the request names ${other.key}.`);
    expect(trace.next_step).toContain('fixed_model');
  });

  it('names the pattern of the blacklist', async () => {
    const { key: model } = await world.model();
    const key = await world.key({ policy: { model_blacklist: [`${model.slice(0, 9)}*`] } });
    const { trace } = await both(await refused(key, model));
    expect(trace.verdict).toContain(`covers the model ${model} (model_blacklist: ${model.slice(0, 9)}*)`);
    expect(trace.next_step).toContain('model_blacklist');
  });

  it('tells a model that is missing from one that is disabled, but not to the caller', async () => {
    const disabled = await world.model({ fields: { enabled: false } });
    const key = await world.key();
    const [missing, off] = [await both(await refused(key, 'no/such')), await both(await refused(key, disabled.key))];
    expect(missing.trace.verdict).toBe('The model no/such is not in the pool.');
    expect(off.trace.verdict).toBe(`The model ${disabled.key} is in the pool but disabled.`);
    expect(off.trace.next_step).toContain('Enable');
    expect(off.error.hint).toBe(missing.error.hint);
    const own = await fetch(`${world.url}/openai/v1/requests/${off.error.request_id}`, {
      headers: { authorization: `Bearer ${key.key}` },
    });
    expect(await own.text()).not.toContain('disabled');
  });
});

describe('a model by name works, auto fails', () => {
  it('names each candidate with the reason why it fell', async () => {
    const model = await world.model({ fields: { feature_tags: ['chat'], context_window: 2_000_000 } });
    const key = await world.key({ policy: { allowed_tiers: ['standard'], model_blacklist: ['model-*', 'sandbox*'] } });
    const { error, trace } = await both(await refused(key, 'auto'));
    expect(error).toMatchObject({ status: 502, type: 'routing_error', code: 'no_candidate' });
    expect(trace.verdict).toMatch(/`auto` found no model that can serve the request \(.*blacklisted/);
    const candidates = stage(trace, 'route')['candidates'] as { model_key: string; lost: string }[];
    expect(candidates.find(({ model_key }) => model_key === model.key)?.lost).toBe('blacklisted');
  });
});

describe('a screen that streams hangs', () => {
  it('tells what the client sent and that the stream was sent whole', async () => {
    const { key: model } = await world.model();
    const key = await world.key();
    const headers = { accept: 'application/json' };
    const { response } = await chatStream(world.url, prompt(model), { key: key.key, headers });
    await world.admin.settled(requestIdOf(response));
    const trace = await world.admin.trace(requestIdOf(response));
    expect(stage(trace, 'read_body')).toMatchObject({ stream: true, accept: 'application/json' });
    expect(stage(trace, 'capture')).toMatchObject({ metadata_event: true, reader: 'reading' });
    expect(trace.verdict).toMatch(/sent whole, with the metadata event and \[DONE\].*Accept: application\/json/);
    expect(trace.next_step).toMatch(/server-sent events/);
  });

  it('tells that the client asked for no stream', async () => {
    const { key: model } = await world.model();
    const response = await refused(await world.key(), model, {}, { accept: 'text/event-stream' });
    await world.admin.settled(requestIdOf(response));
    const trace = await world.admin.trace(requestIdOf(response));
    expect(trace.verdict).toContain('did not ask for a stream');
    expect(trace.next_step).toContain('"stream": true');
  });

  it('tells that the reader left', async () => {
    const { key: model } = await world.model({ behaviours: ['slow-tokens-n200-d20'] });
    const left = new AbortController();
    const key = await world.key();
    const response = await chat(world.url, prompt(model, { stream: true }), { key: key.key, signal: left.signal });
    left.abort();
    await world.admin.settled(requestIdOf(response));
    const trace = await world.admin.trace(requestIdOf(response));
    expect(stage(trace, 'capture')).toMatchObject({ metadata_event: false, reader: 'gone' });
    expect(trace.verdict).toMatch(/The caller closed the connection itself|until the caller left/);
  });
});

describe('no usage record', () => {
  it('a provider that failed is named, and that nothing was charged', async () => {
    const { key: model } = await world.model({ behaviours: ['status-500'] });
    const { trace } = await both(await refused(await world.key(), model));
    await world.admin.settled(trace.request_id);
    const settled = await world.admin.trace(trace.request_id);
    expect(settled.verdict).toMatch(/ended by a failure at stage provider with HTTP 502.*Nothing was charged/);
    expect(stage(settled, 'settle')).toMatchObject({ state: 'released' });
  });

  it('a settlement that waits shows the queue and how long it has waited', async () => {
    const alone = await World.create({ WORKERS_ENABLED: 'false' });
    try {
      const { key: model } = await alone.model();
      const key = await alone.key();
      const response = await chat(alone.url, prompt(model), { key: key.key });
      const trace = await alone.admin.trace(requestIdOf(response));
      expect(stage(trace, 'settle')).toMatchObject({
        status: 'pending',
        state: 'captured',
        job: expect.objectContaining({ queue: 'settlement' }) as object,
        waiting_ms: expect.any(Number) as number,
      });
      expect(trace.verdict).toContain('waiting for a worker');
    } finally {
      await alone.destroy();
    }
  });
});

describe('the wallet has balance but the request fails', () => {
  it('shows the balance of every tier and the amount needed, and a model that would have fitted', async () => {
    const [dear, cheap] = [await world.model(), await world.model({ tier: 'economy' })];
    const key = await world.key({ credits: { standard: '0.000010', economy: '50' } });
    const { error, trace } = await both(await refused(key, dear.key, { max_tokens: 100 }));
    expect(error).toMatchObject({ status: 402, type: 'insufficient_quota', code: 'wallet_too_low' });
    expect(error.hint).toMatch(
      /The standard wallet has 0\.000010 of the \d\.\d{6} credits needed\. What would fit: the model /,
    );
    expect(trace.verdict).toMatch(/Available by tier: economy 50\.000000, standard 0\.000010, premium 0\.000000\./);
    expect(stage(trace, 'freeze')).toMatchObject({
      tier: 'standard',
      available: '0.000010',
      funded_elsewhere: ['economy'],
    });
    expect(stage(trace, 'freeze')['fitting_model']).toBeDefined();
    expect(cheap.key).not.toBe(dear.key);
  });

  it('names the largest max_tokens that would have fitted', async () => {
    const { key: model } = await world.model();
    // The prompt and a few output tokens: fewer than an answer that is worth beginning.
    const key = await world.key({ credits: { standard: '0.01' } });
    const { error, trace } = await both(await refused(key, model, { max_tokens: 100 }));
    const most = stage(trace, 'freeze')['fitting_max_tokens'] as number;
    expect(error.hint).toContain(`max_tokens up to ${most.toString()}`);
    expect((await refused(key, model, { max_tokens: most })).status).toBe(200);
  });

  it('says of an empty wallet which other tier of the request has credits', async () => {
    const { key: model } = await world.model();
    const key = await world.key({ credits: { economy: '50' } });
    const { error, trace } = await both(await refused(key, model));
    expect(error).toMatchObject({ status: 402, code: 'wallet_empty' });
    expect(error.hint).toContain('economy');
    expect(trace.verdict).toMatch(/No credits are left in the standard wallet\. Available by tier: economy 50/);
    expect(stage(trace, 'policy')['balances']).toEqual({
      economy: '50.000000',
      standard: '0.000000',
      premium: '0.000000',
    });
  });
});

describe('npm run explain', () => {
  async function explain(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const env = { ...gatewayEnvironment({ databaseUrl: world.database.url }), NO_COLOR: '1' };
    const run = promisify(execFile)(process.execPath, ['dist/src/start/explain.js', ...args], {
      cwd: PROJECT_DIR,
      env,
    });
    return run.then(
      (done) => ({ code: 0, ...done }),
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
  }

  it('prints the stages, the verdict and the next step, or the JSON of the administration', async () => {
    const { key: model } = await world.model();
    const id = requestIdOf(await refused(await world.key(), model));
    await world.admin.settled(id);
    await pollUntil(async () => (await world.admin.trace(id)).stages[0]?.ms ?? null, 'the trace');
    const text = await explain(id);
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(new RegExp(`^${id} `));
    expect(text.stdout).toMatch(/✔ settle +passed/);
    expect(text.stdout).toMatch(/Verdict {4}The request was answered by /);
    const { stdout } = await explain(id, '--json');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(await world.admin.trace(id))));
  });

  it('says what is wrong with its arguments', async () => {
    expect(await explain('gwr_' + '0'.repeat(32))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('no such request') as string,
    });
    expect(await explain()).toMatchObject({ code: 2, stderr: expect.stringContaining('request id') as string });
    expect(await explain('x', '--nope')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--nope') as string,
    });
    expect((await explain('--help')).stdout).toContain('npm run explain');
  });
});
