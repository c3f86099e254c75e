import { chat, errorOf, prompt, readStream, type ChatOptions, type ErrorBody } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Every row of the error table, on real requests. What an upstream answers is in upstream-errors.spec.ts. */
let world: World;
let key: TestKey;
let model: string;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
  model = (await world.model()).key;
});
afterAll(() => world.destroy());

/** A time that has passed before the gateway reads it is refused: then again, further ahead. */
async function expiringKey(owner: string, inMs = 500): Promise<TestKey> {
  const expires_at = new Date(Date.now() + inMs).toISOString();
  return world.key({ fields: { owner_account_id: owner, expires_at } }).catch(() => expiringKey(owner, 2 * inMs));
}

type Refusal = ErrorBody['error'] & { status: number; headers: Headers };

/** Checks what every error has in common and returns the rest. */
async function refusalOf(response: Response): Promise<Refusal> {
  const { headers } = response;
  const error = await errorOf(response);
  expect(headers.get('content-type')).toMatch(/^application\/json/);
  expect(headers.get('x-request-id')).toMatch(/^[\x21-\x7e]{1,128}$/);
  expect(error.request_id).toBe(headers.get('x-daoe-request-id'));
  expect(error.message).not.toBe('');
  expect(error).toHaveProperty('code');
  expect(error).toHaveProperty('param');
  return { ...error, headers };
}

async function refused(body: unknown, options: ChatOptions = { key: key.key }): Promise<Refusal> {
  return refusalOf(await chat(world.url, body, options));
}

describe('400 invalid_request_error', () => {
  it.each<[string, unknown, string | null]>([
    ['text that is not JSON', '{"model": "auto", messages}', null],
    ['an empty body', '', null],
    ['a JSON array', [], null],
    ['a JSON string', '"hello"', null],
    ['missing messages', { model: 'auto' }, 'messages'],
    ['empty messages', { messages: [] }, 'messages'],
    ['messages of a wrong type', { messages: 'hi' }, 'messages'],
    ['a message that is no object', { messages: ['hi'] }, 'messages[0]'],
    ['model of a wrong type', { model: 7, messages: [{ role: 'user', content: 'hi' }] }, 'model'],
    ['temperature above 2', prompt('auto', { temperature: 2.01 }), 'temperature'],
    ['temperature below 0', prompt('auto', { temperature: -0.1 }), 'temperature'],
    ['top_p above 1', prompt('auto', { top_p: 1.1 }), 'top_p'],
    ['max_tokens 0', prompt('auto', { max_tokens: 0 }), 'max_tokens'],
    ['max_tokens with a fraction', prompt('auto', { max_tokens: 1.5 }), 'max_tokens'],
    ['max_completion_tokens as text', prompt('auto', { max_completion_tokens: '5' }), 'max_completion_tokens'],
    ['n above 16', prompt('auto', { n: 17 }), 'n'],
    ['stream of a wrong type', prompt('auto', { stream: 'yes' }), 'stream'],
    ['tools of a wrong type', prompt('auto', { tools: {} }), 'tools'],
    ['user of a wrong type', prompt('auto', { user: 5 }), 'user'],
    ['tier of a wrong type', prompt('auto', { tier: 1 }), 'tier'],
    ['a list of models', prompt('auto', { models: ['a', 'b'] }), 'models'],
    ['a base URL', prompt('auto', { base_url: 'http://127.0.0.1:1/v1' }), 'base_url'],
    ['a choice of provider', prompt('auto', { provider: { order: ['x'] } }), 'provider'],
    ['a service tier that costs more', prompt('auto', { service_tier: 'priority' }), 'service_tier'],
    ['a hosted tool', prompt('auto', { tools: [{ type: 'web_search' }] }), 'tools[0].type'],
    ['web search', prompt('auto', { web_search_options: {} }), 'web_search_options'],
  ])('refuses %s', async (_what, body, param) => {
    expect(await refused(body)).toMatchObject({ status: 400, type: 'invalid_request_error', param });
  });
});

describe('401 missing_api_key', () => {
  it.each<[string, Record<string, string>]>([
    ['no header at all', {}],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['an empty X-API-Key', { 'x-api-key': '' }],
  ])('refuses %s', async (_what, headers) => {
    const error = await refused(prompt(model), { headers });
    expect(error).toMatchObject({ status: 401, type: 'missing_api_key', message: 'missing api key' });
    expect(error.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('403 invalid_api_key', () => {
  const invalid = { status: 403, type: 'invalid_api_key' };

  it('refuses an unknown key, also one of the right form', async () => {
    const lookalike = key.key.slice(0, -1) + (key.key.endsWith('a') ? 'b' : 'a');
    for (const presented of ['nonsense', 'jt_', lookalike, `${key.key}x`]) {
      expect(await refused(prompt(model), { key: presented })).toMatchObject(invalid);
    }
  });

  it.each(['DISABLED', 'REVOKED'])('refuses a key whose status is %s', async (status) => {
    const ended = await world.key();
    if (status === 'REVOKED') await world.admin.post(`/api-keys/${ended.id}/revoke`, {});
    else await world.admin.patch(`/api-keys/${ended.id}`, { status });
    expect(await refused(prompt(model), { key: ended.key })).toMatchObject(invalid);
  });

  it('refuses a key whose time is over', async () => {
    const expiring = await expiringKey(await world.account());
    const over = async (): Promise<Refusal | null> => {
      const response = await chat(world.url, prompt(model), { key: expiring.key });
      return response.ok ? null : refusalOf(response);
    };
    expect(await pollUntil(over, 'the key to expire')).toMatchObject(invalid);
    expect(await world.admin.get(`/api-keys/${expiring.id}`)).toMatchObject({ status: 'EXPIRED' });
  });
});

describe('403 policy_rejected', () => {
  const rejected = { status: 403, type: 'policy_rejected' };

  it('refuses a tier that policy or key do not allow, and an unknown one', async () => {
    const standardOnly = await world.key({ policy: { allowed_tiers: ['standard'] } });
    for (const tier of ['premium', 'P', 'gold', '', 'toString']) {
      const error = await refused(prompt('auto', { tier }), { key: standardOnly.key });
      expect(error).toMatchObject({ ...rejected, message: 'requested tier is not allowed' });
    }
    const economyKey = await world.key({ fields: { tier: 'economy' } });
    expect(await refused(prompt('auto', { tier: 'standard' }), { key: economyKey.key })).toMatchObject(rejected);
  });

  it('refuses a concrete model of a tier that is not allowed', async () => {
    const economyKey = await world.key({ fields: { tier: 'economy' } });
    expect(await refused(prompt(model), { key: economyKey.key })).toMatchObject(rejected);
    expect(await refused(prompt(model, { tier: 'premium' }))).toMatchObject(rejected);
  });

  it('refuses a blacklisted model by key, by id and by wildcard', async () => {
    const preview = await world.model({ fields: { model_key: unique('acme/new-preview') } });
    for (const pattern of [preview.key, preview.id, '*-preview-*', '*']) {
      const limited = await world.key({ policy: { model_blacklist: [pattern] } });
      for (const name of [preview.key, preview.id]) {
        expect(await refused(prompt(name), { key: limited.key })).toMatchObject(rejected);
      }
    }
  });

  it('refuses another concrete model than the fixed one', async () => {
    const other = await world.model();
    const fixed = await world.key({ fields: { fixed_model: model } });
    expect(await refused(prompt(other.key), { key: fixed.key })).toMatchObject(rejected);
  });

  it('refuses an address that is blocked or not allowed', async () => {
    const blocked = await world.key({ policy: { ip_blocklist: ['127.0.0.0/8'] } });
    const elsewhere = await world.key({ policy: { ip_allowlist: ['10.0.0.0/8'] } });
    expect(await refused(prompt(model), { key: blocked.key })).toMatchObject(rejected);
    expect(await refused(prompt(model), { key: elsewhere.key })).toMatchObject(rejected);
  });
});

describe('402 insufficient_quota', () => {
  const insufficient = { status: 402, type: 'insufficient_quota' };

  it('refuses a concrete model when the wallet of its tier is empty, whatever the other wallets hold', async () => {
    const poor = await world.key({ credits: { economy: '1000', premium: '1000' } });
    expect(await refused(prompt(model), { key: poor.key })).toMatchObject(insufficient);
  });

  it('refuses auto when every wallet is empty', async () => {
    const poor = await world.key({ credits: {} });
    expect(await refused(prompt('auto'), { key: poor.key })).toMatchObject(insufficient);
  });

  it('refuses what the wallet cannot freeze, and takes nothing', async () => {
    const poor = await world.key({ credits: { standard: '0.000500' } });
    expect(await refused(prompt(model, { max_tokens: 1000 }), { key: poor.key })).toMatchObject(insufficient);
    expect(await world.admin.wallet(poor.accountId, 'standard')).toMatchObject({
      available: '0.000500',
      frozen: '0.000000',
    });
  });

  it.each([
    ['daily', { limit_daily: '0' }],
    ['weekly', { limit_weekly: '0' }],
    ['daily', { limit_daily: '0.000001' }],
  ])('refuses when the %s quota is used up (%j)', async (window, fields) => {
    const limited = await world.key({ fields });
    const error = await refused(prompt(model), { key: limited.key });
    expect(error).toMatchObject(insufficient);
    expect(error.message).toContain(window);
  });
});

describe('404', () => {
  it.each(['/openai/v1/nothing', '/openai/v1/chat', '/nothing', '/openai/v1/chat/completions/more'])(
    'answers not_found for %s, also without a key',
    async (path) => {
      const error = await refusalOf(await fetch(world.url + path, { method: 'POST', body: '{}' }));
      expect(error).toMatchObject({ status: 404, type: 'not_found' });
    },
  );

  it.each(['/v1/chat/completions', '/chat/completions'])('names the right base path for %s', async (path) => {
    const error = await refusalOf(await fetch(world.url + path, { method: 'POST', body: '{}' }));
    expect(error).toMatchObject({ status: 404, type: 'not_found' });
    expect(error.hint).toContain('/openai/v1/chat/completions');
  });

  it('answers model_not_found for an unknown and for a disabled model', async () => {
    const disabled = await world.model({ fields: { enabled: false } });
    for (const name of ['no/such-model', disabled.key, disabled.id]) {
      expect(await refused(prompt(name))).toMatchObject({ status: 404, type: 'model_not_found' });
    }
  });
});

describe('405 method_not_allowed', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('answers %s with Allow', async (method) => {
    const error = await refusalOf(await fetch(`${world.url}/openai/v1/chat/completions`, { method }));
    expect(error).toMatchObject({ status: 405, type: 'method_not_allowed' });
    expect(error.headers.get('allow')).toBe('POST');
  });

  it('answers HEAD with Allow and without a body', async () => {
    const response = await fetch(`${world.url}/openai/v1/chat/completions`, { method: 'HEAD' });
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([405, 'POST', '']);
  });
});

describe('429 rate_limit_exceeded', () => {
  it('refuses the request above the limit a minute and says when to come back', async () => {
    const limited = await world.key({ fields: { limit_rpm: 1 } });
    const first = await chat(world.url, prompt(model), { key: limited.key });
    expect(first.status).toBe(200);
    await first.arrayBuffer();
    const error = await refused(prompt(model), { key: limited.key });
    expect(error).toMatchObject({ status: 429, type: 'rate_limit_exceeded' });
    expect(Number(error.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(error.headers.get('retry-after'))).toBeLessThanOrEqual(60);
  });

  it('refuses more calls at once than the limit, and lets the next one through after an end', async () => {
    const upstreamModel = unique('gate');
    await world.upstream.setBehaviour(upstreamModel, 'held-a1');
    const slow = await world.model({ behaviours: [upstreamModel] });
    const limited = await world.key({ fields: { limit_concurrency: 1 } });
    const call = (): Promise<Response> => chat(world.url, prompt(slow.key, { stream: true }), { key: limited.key });
    const running = await call();
    for (const answer of [await call(), await call()]) {
      expect([answer.status, running.status]).toEqual([429, 200]);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
    }
    await world.upstream.setBehaviour(upstreamModel, 'ok');
    expect((await readStream(running)).done).toBe(true);
    expect((await call()).status).toBe(200);
  });
});

describe('502 routing_error', () => {
  it('answers auto without a candidate', async () => {
    const nothingLeft = await world.key({ policy: { model_blacklist: ['*'] } });
    expect(await refused(prompt('auto'), { key: nothingLeft.key })).toMatchObject({
      status: 502,
      type: 'routing_error',
    });
  });
});

describe('503 upstream_error', () => {
  it('answers a concrete model without an endpoint, with Retry-After', async () => {
    const homeless = await world.model({ behaviours: [] });
    const error = await refused(prompt(homeless.key));
    expect(error).toMatchObject({ status: 503, type: 'upstream_error' });
    expect(error.headers.get('retry-after')).toMatch(/^\d+$/);
  });
});

describe('the order of checks', () => {
  it('looks at the route, then the key, then the body, then the policy, then the model', async () => {
    const economy = await world.key({ fields: { tier: 'economy' }, credits: {} });
    const path = await fetch(`${world.url}/openai/v1/nothing`, { method: 'POST', body: 'x' });
    expect(path.status).toBe(404);
    expect(await refused('not JSON', {})).toMatchObject({ status: 401 });
    expect(await refused('not JSON', { key: 'unknown' })).toMatchObject({ status: 403, type: 'invalid_api_key' });
    expect(await refused({ tier: 'premium', messages: [] }, { key: economy.key })).toMatchObject({ status: 400 });
    const tierAndModel = prompt('no/such-model', { tier: 'premium' });
    expect(await refused(tierAndModel, { key: economy.key })).toMatchObject({ status: 403, type: 'policy_rejected' });
  });
});
