import { chat, chatStream, errorOf, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil, promised } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** How a request is read: key headers, ids, fields, and what reaches the provider. */
let world: World;
let key: TestKey;
let model: string;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
  model = (await world.model()).key;
});
afterAll(() => world.destroy());

describe('the key', () => {
  it('is taken from the bearer and from X-API-Key', async () => {
    expect((await chat(world.url, prompt(model), { key: key.key })).status).toBe(200);
    expect((await chat(world.url, prompt(model), { headers: { 'x-api-key': key.key } })).status).toBe(200);
    const lowerCase = { authorization: `bearer ${key.key}` };
    expect((await chat(world.url, prompt(model), { headers: lowerCase })).status).toBe(200);
  });

  it('in X-API-Key wins over the bearer, whether it is good or bad', async () => {
    const good = await chat(world.url, prompt(model), { key: 'jt_wrong', headers: { 'x-api-key': key.key } });
    expect(good.status).toBe(200);
    const bad = await chat(world.url, prompt(model), { key: key.key, headers: { 'x-api-key': 'jt_wrong' } });
    expect(await errorOf(bad)).toMatchObject({ status: 403, type: 'invalid_api_key' });
  });

  it('that is disabled is refused by every running process within a second, and works again when enabled', async () => {
    const second = await world.startAnother();
    try {
      const switched = await world.key();
      const statuses = async (): Promise<number[]> => {
        const answers = [world.url, second.url].map((url) => chat(url, prompt(model), { key: switched.key }));
        return (await Promise.all(answers)).map(({ status }) => status);
      };
      const everywhere = async (expected: number): Promise<void> => {
        const asked = async (): Promise<true | null> =>
          (await statuses()).every((status) => status === expected) ? true : null;
        await pollUntil(asked, `${expected.toString()} of every process`, promised(1_000));
      };
      await everywhere(200);
      await world.admin.patch(`/api-keys/${switched.id}`, { status: 'DISABLED' });
      await everywhere(403);
      await world.admin.patch(`/api-keys/${switched.id}`, { status: 'ACTIVE' });
      await everywhere(200);
    } finally {
      await second.stop();
    }
  });
});

describe('the request ids', () => {
  it.each(['my-id-1', 'x', '~'.repeat(128), '{"quoted"}'])('echo %s and keep the gateway id apart', async (id) => {
    const response = await chat(world.url, prompt(model), { key: key.key, headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(requestIdOf(response)).toMatch(/^gwr_[0-9a-f]{32}$/);
    const { metadata } = (await response.json()) as Completion;
    expect(metadata).toMatchObject({ client_request_id: id, request_id: requestIdOf(response) });
  });

  it.each(['', 'a b', 'x'.repeat(129), 'caf\u00e9'])('replace the unusable %j by one that starts req-', async (id) => {
    const response = await chat(world.url, prompt(model), { key: key.key, headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toMatch(/^req-[\x21-\x7e]+$/);
  });

  it('of the caller may repeat: each call is charged', async () => {
    const payer = await world.key();
    const headers = { 'x-request-id': unique('same') };
    const answers = await Promise.all([1, 2, 3].map(() => chat(world.url, prompt(model), { key: payer.key, headers })));
    const records = await Promise.all(answers.map((answer) => world.admin.settled(requestIdOf(answer))));
    expect(records.map(({ status }) => status)).toEqual(['settled', 'settled', 'settled']);
    expect(new Set(records.map(({ request_id }) => request_id)).size).toBe(3);
  });

  it('are on errors as well, also on unknown paths', async () => {
    const response = await fetch(`${world.url}/nothing`, { headers: { 'x-request-id': 'lost' } });
    expect(response.headers.get('x-request-id')).toBe('lost');
    expect(requestIdOf(response)).toMatch(/^gwr_/);
  });
});

describe('the body', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-8', 'nonsense'])(
    'is JSON whatever the content type says (%s)',
    async (type) => {
      const response = await chat(world.url, prompt(model), { key: key.key, headers: { 'content-type': type } });
      expect(response.status).toBe(200);
    },
  );

  it('is accepted with a trailing slash in the path and with a query', async () => {
    for (const path of ['/openai/v1/chat/completions/', '/openai/v1/chat/completions?api-version=1']) {
      const response = await fetch(world.url + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key.key}` },
        body: JSON.stringify(prompt(model)),
      });
      expect(response.status).toBe(200);
    }
  });

  it('may hold null for every optional field', async () => {
    const nulls = Object.fromEntries(
      ['tier', 'stream', 'user', 'temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'n', 'tools']
        .concat(['response_format', 'stream_options', 'stop', 'seed', 'logit_bias', 'models', 'service_tier'])
        .map((name) => [name, null]),
    );
    expect((await chat(world.url, prompt(model, nulls), { key: key.key })).status).toBe(200);
  });

  it('names the model by key, by id, or not at all', async () => {
    const { id, key: modelKey } = await world.model({ tier: 'premium', fields: { mci_score: 99 } });
    for (const name of [modelKey, id, 'auto', undefined]) {
      const response = await chat(world.url, prompt(name, { tier: 'premium' }), { key: key.key });
      expect(response.headers.get('x-daoe-used-model')).toBe(modelKey);
    }
  });

  it.each([
    ['economy', 'E'],
    ['standard', 'S'],
    ['premium', 'P'],
  ])('names the tier %s also as %s', async (tier, letter) => {
    await world.model({ tier: tier as 'economy' });
    for (const name of [tier, letter]) {
      const response = await chat(world.url, prompt('auto', { tier: name }), { key: key.key });
      expect(((await response.json()) as Completion).metadata.tier).toBe(tier);
    }
  });

  it('reaches the provider with every unknown field, without the tier, with the upstream model name', async () => {
    const marker = unique('marker');
    const body = {
      messages: [
        { role: 'system', content: marker, cache_control: { type: 'ephemeral' } },
        { role: 'user', content: 'Grüße, 世界 🦊 \u2028 "quoted" \\ / \u0000', extra_content: { a: [1, null, 'x'] } },
        {
          role: 'assistant',
          content: null,
          thought_signature: 'sig==',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' }, extra: { b: 1 } }],
        },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'result' }] },
      ],
      tools: [
        { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} }, strict: true } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
      response_format: { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' }, strict: true } },
      temperature: 0.25,
      top_p: 1,
      seed: 9007199254740991,
      stop: ['\n', 'END'],
      metadata: { order: '7' },
      made_up: { deep: [{ deeper: [null, 1.5, 'ü'] }] },
      max_tokens: 50,
    };
    const response = await chat(world.url, { model, tier: 'S', ...body }, { key: key.key });
    expect(response.status).toBe(200);
    const call = await world.upstream.callWhen(marker, () => true);
    expect(JSON.parse(call.body)).toEqual({ model: 'ok-n20-p10', ...body });
    expect(call.headers.authorization).toMatch(/^Bearer sk-canary-/);
  });

  it('of a stream asks the provider for usage and keeps the rest of stream_options', async () => {
    const marker = unique('marker');
    await chatStream(world.url, prompt(model, { user: marker, stream_options: { include_obfuscation: false } }), {
      key: key.key,
    });
    const call = await world.upstream.callWhen(marker, () => true);
    expect(JSON.parse(call.body)).toMatchObject({
      stream: true,
      stream_options: { include_usage: true, include_obfuscation: false },
    });
  });

  it('reaches the provider with numbers beyond a double as they were written', async () => {
    const marker = unique('marker');
    const numbers =
      '"seed":12345678901234567890,"made_up":[1e400,-0.12345678901234567891],"temperature":0.70000000000000000001';
    const text = `{"model":"${model}","user":"${marker}","messages":[{"role":"user","content":"hi"}],${numbers}}`;
    expect((await chat(world.url, text, { key: key.key })).status).toBe(200);
    const { body } = await world.upstream.callWhen(marker, () => true);
    expect(body).toContain('"seed":12345678901234567890,"made_up":[1e400,-0.12345678901234567891],"temperature":0.7');
  });

  it('never carries the caller\u2019s credentials, address or headers to the provider', async () => {
    const marker = unique('marker');
    const headers = { cookie: 'session=secret', 'x-custom': 'secret', 'x-forwarded-for': '192.0.2.7' };
    await chat(world.url, prompt(model, { user: marker }), { key: key.key, headers });
    const call = await world.upstream.callWhen(marker, () => true);
    expect(JSON.stringify(call.headers)).not.toMatch(/secret|192\.0\.2\.7|jt_/);
  });
});
