import OpenAI from 'openai';
import { unique, World, type TestModel } from '../support/world.js';

/** `GET /openai/v1/models` and `/openai/v1/models/{model}`: what a key may name in a call. */
let world: World;
let economy: TestModel;
let standard: TestModel;
let premium: TestModel;
const slashed = `acme/${unique('small')}:v1.2`;

beforeAll(async () => {
  world = await World.create();
  economy = await world.model({ tier: 'economy' });
  standard = await world.model({ fields: { model_key: slashed } });
  premium = await world.model({ tier: 'premium' });
});
afterAll(() => world.destroy());

function client(key: string): OpenAI {
  return new OpenAI({ apiKey: key, baseURL: `${world.url}/openai/v1`, maxRetries: 0 });
}

async function listed(key: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const model of client(key).models.list()) ids.push(model.id);
  return ids;
}

describe('the list of models of a key', () => {
  it('has the shape of OpenAI, auto first, then by tier', async () => {
    const { key } = await world.key();
    const page = await client(key).models.list();
    expect(page.object).toBe('list');
    expect(page.data.map(({ id }) => id)).toEqual(['auto', economy.key, slashed, premium.key]);
    for (const model of page.data) {
      expect(model).toEqual({
        id: model.id,
        object: 'model',
        created: expect.any(Number) as number,
        owned_by: expect.any(String) as string,
      });
      expect(Number.isInteger(model.created)).toBe(true);
    }
    expect(page.data[1]?.owned_by).toBe(economy.providers[0]);
  });

  it('leaves out tiers that the key or its policy does not allow', async () => {
    expect(await listed((await world.key({ fields: { tier: 'premium' } })).key)).toEqual(['auto', premium.key]);
    const { key } = await world.key({
      policy: { allowed_tiers: ['economy', 'standard'] },
      fields: { tier: 'economy' },
    });
    expect(await listed(key)).toEqual(['auto', economy.key]);
  });

  it('leaves out what the blacklist matches, by name or id', async () => {
    const { key } = await world.key({ policy: { model_blacklist: ['acme/*', premium.id] } });
    expect(await listed(key)).toEqual(['auto', economy.key]);
  });

  it('of a key with a fixed model is that model', async () => {
    const { key } = await world.key({ fields: { fixed_model: slashed } });
    expect(await listed(key)).toEqual(['auto', slashed]);
  });

  it('has no auto where auto has no candidate: only the sandbox, and a real model elsewhere', async () => {
    const sandbox = await world.model({ tier: 'premium', provider: { adapter: 'sandbox', base_url: 'sandbox:' } });
    const { key } = await world.key({ policy: { model_blacklist: [premium.key] }, fields: { tier: 'premium' } });
    try {
      expect(await listed(key)).toEqual([sandbox.key]);
      const asked = client(key).chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'x' }] });
      await expect(asked).rejects.toMatchObject({ status: 502, code: 'no_candidate' });
    } finally {
      await world.admin.patch(`/models/${sandbox.id}`, { enabled: false });
    }
  });

  it('is empty when the key may call nothing', async () => {
    const { key } = await world.key({ policy: { model_blacklist: ['*'] } });
    expect(await listed(key)).toEqual([]);
  });

  it('refuses an address that may not call, a missing key and a wrong key', async () => {
    const { key } = await world.key({ policy: { ip_blocklist: ['127.0.0.1'] } });
    await expect(listed(key)).rejects.toMatchObject({ status: 403, type: 'policy_rejected' });
    await expect(listed('jt_wrong')).rejects.toMatchObject({ status: 403, type: 'invalid_api_key' });
    const response = await fetch(`${world.url}/openai/v1/models`);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { type: 'missing_api_key', message: 'missing api key' } });
  });
});

describe('one model of a key', () => {
  it('is found by name, slashes plain or encoded, by id, and as auto', async () => {
    const { key } = await world.key();
    expect(await client(key).models.retrieve(slashed)).toMatchObject({ id: slashed, object: 'model' });
    for (const name of [slashed, encodeURIComponent(slashed), standard.id]) {
      const response = await fetch(`${world.url}/openai/v1/models/${name}`, { headers: { 'x-api-key': key } });
      expect([response.status, await response.json()]).toMatchObject([200, { id: slashed }]);
    }
    expect(await client(key).models.retrieve('auto')).toMatchObject({ id: 'auto' });
  });

  it('that the key may not call is as unknown as one that does not exist', async () => {
    const { key } = await world.key({ fields: { tier: 'economy' } });
    const answers = await Promise.all(
      [premium.key, premium.id, 'nobody/knows'].map(async (name) => {
        const response = await fetch(`${world.url}/openai/v1/models/${name}`, { headers: { 'x-api-key': key } });
        const { error } = (await response.json()) as { error: Record<string, unknown> };
        return { status: response.status, ...error, request_id: undefined };
      }),
    );
    expect(answers[0]).toMatchObject({ status: 404, type: 'model_not_found', code: 'model_not_found', param: 'model' });
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  it('cannot be written', async () => {
    for (const path of ['/openai/v1/models', `/openai/v1/models/${slashed}`]) {
      const response = await fetch(`${world.url}${path}`, { method: 'DELETE' });
      expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    }
  });
});
