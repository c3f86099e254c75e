import { request } from 'node:http';
import { unique, World, type TestModel } from '../support/world.js';

interface Envelope<T> {
  code: number;
  message: string;
  data: T;
}

type ModelList = Envelope<{ models: Record<string, unknown>[] }>;

/** `GET /api/v1/models`: the public catalogue. */
let world: World;
let full: TestModel;
let economy: TestModel;
const industry = unique('industry');

beforeAll(async () => {
  world = await World.create();
  full = await world.model({
    fields: {
      display_name: 'Acme Small',
      alias: 'small',
      tags: ['new'],
      scenario_tags: ['coding'],
      sku_tags: ['team'],
      industry_packs: ['finance', industry],
      mci_score: 62.5,
      description: 'Small and quick.',
      description_zh: '小而快。',
      customer_output_mtok: '900.000001',
      customer_image_input_mtok: '12.5',
    },
  });
  economy = await world.model({ tier: 'economy', fields: { feature_tags: ['chat'], industry_packs: ['law'] } });
});
afterAll(() => world.destroy());

const path = '/api/v1/models';

function get(query = '', headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${world.url}${path}${query}`, { headers });
}

async function models(query = ''): Promise<Record<string, unknown>[]> {
  const response = await get(query);
  expect(response.status).toBe(200);
  const body = (await response.json()) as ModelList;
  expect(body).toMatchObject({ code: 0, message: 'success' });
  return body.data.models;
}

async function keys(query: string): Promise<unknown[]> {
  return (await models(query)).map((model) => model['modelKey']);
}

describe('the public list of models', () => {
  it('needs no key and has every published field, in both spellings', async () => {
    const shown = (await models()).find((model) => model['modelId'] === full.id);
    const published = {
      modelKey: full.key,
      displayName: 'Acme Small',
      alias: 'small',
      tier: 'standard',
      provider: full.providers[0],
      tags: ['new'],
      featureTags: ['chat', 'tools', 'vision', 'json_schema'],
      scenarioTags: ['coding'],
      mciScore: 62.5,
      description: 'Small and quick.',
      customerInputMtok: 200,
      customerOutputMtok: 900.000001,
      customerCachereadMtok: 20,
      customerCachewriteMtok: 250,
      customerImageInputMtok: '12.5',
      customerImageOutputMtok: '',
      customerImageCachedInputMtok: '',
    };
    expect(shown).toMatchObject(published);
    for (const [name, value] of Object.entries(published)) {
      expect(shown?.[name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]).toEqual(value);
    }
  });

  it.each(['Bearer nonsense', `Bearer jt_${'x'.repeat(40)}`])('ignores the key %s', async (authorization) => {
    expect((await get('', { authorization, 'x-api-key': 'also wrong' })).status).toBe(200);
  });

  it.each([
    ['tier', () => '?tier=standard'],
    ['short tier', () => '?tier=S'],
    ['provider', () => `?provider=${full.providers[0] ?? ''}`],
    ['feature tag', () => '?feature_tag=tools'],
    ['SKU tag as pack', () => '?pack=team'],
    ['scenario tag as pack', () => '?pack=coding'],
    ['industry pack', () => `?industry_packs=${industry}`],
    ['repeated industry packs', () => `?industry_packs=nobody&industry_packs=${industry}`],
    ['all of them', () => `?tier=standard&pack=team&feature_tag=tools&industry_packs=${industry}&locale=zh`],
  ])('filters by %s', async (_what, query) => {
    const found = await keys(query());
    expect(found).toContain(full.key);
    expect(found).not.toContain(economy.key);
  });

  it('filters by any of several industry packs', async () => {
    expect(await keys(`?industry_packs=law&industry_packs=${industry}`)).toEqual([economy.key, full.key]);
  });

  it.each(['provider=nobody', 'feature_tag=nothing', 'pack=x', 'industry_packs=x'])(
    'answers %s with an empty list',
    async (query) => {
      expect(await models(`?${query}`)).toEqual([]);
    },
  );

  it('speaks Chinese where a Chinese description exists', async () => {
    const chinese = await models('?locale=zh&pack=team');
    expect(chinese[0]).toMatchObject({ description: '小而快。' });
    expect(await models('?locale=fr&pack=team')).toMatchObject([{ description: 'Small and quick.' }]);
  });

  it('refuses a tier that does not exist, in the envelope of this door', async () => {
    const response = await get('?tier=gold');
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ code: 40000, message: 'tier: must be economy, standard or premium' });
  });

  it('follows an administrative change within a second', async () => {
    const changed = await world.model();
    await world.admin.patch(`/models/${changed.id}`, { customer_input_mtok: '7.5' });
    expect((await models()).find((model) => model['modelId'] === changed.id)).toMatchObject({ customerInputMtok: 7.5 });
    await world.admin.patch(`/models/${changed.id}`, { enabled: false });
    expect(await keys('')).not.toContain(changed.key);
  });

  it('is sent again only when it has changed', async () => {
    const first = await get();
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]+"$/);
    const again = await get('', { 'if-none-match': etag });
    expect([again.status, await again.text()]).toEqual([304, '']);
    await world.model();
    expect((await get('', { 'if-none-match': etag })).status).toBe(200);
  });
});

describe('browsers', () => {
  it('of any site may read the list, errors included', async () => {
    for (const query of ['', '?tier=gold']) {
      expect((await get(query, { origin: 'https://shop.example' })).headers.get('access-control-allow-origin')).toBe(
        '*',
      );
    }
  });

  it('get their preflight answered', async () => {
    const response = await fetch(`${world.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://shop.example', 'access-control-request-method': 'GET' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toContain('GET');
  });

  it('may read nothing else of the gateway', async () => {
    for (const other of ['/api/v1/models/meta', '/api/v1/pricing', '/openai/v1/models', '/health/live']) {
      const response = await fetch(`${world.url}${other}`, { headers: { origin: 'https://shop.example' } });
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
    }
  });
});

describe('errors of /api/v1', () => {
  it.each([
    ['GET', '/api/v1/nothing', 404, 40400],
    ['GET', '/api/v1', 404, 40400],
    ['POST', '/api/v1/models', 405, 40500],
    ['DELETE', '/api/v1/pricing', 405, 40500],
    ['GET', '/api/v1/models/meta', 401, 40100],
    ['GET', '/api/v1/pricing', 401, 40100],
  ])('%s %s is %d with code %d', async (method, url, status, code) => {
    const response = await fetch(`${world.url}${url}`, { method });
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    const body = (await response.json()) as Record<string, unknown>;
    expect(Object.keys(body).sort()).toEqual(['code', 'message']);
    expect(body['code']).toBe(code);
    if (status === 405) expect(response.headers.get('allow')).toContain('GET');
  });

  it('a wrong key is 403 with code 40300', async () => {
    const response = await fetch(`${world.url}/api/v1/pricing`, { headers: { 'x-api-key': 'jt_wrong' } });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ code: 40300 });
  });

  it('a query that cannot be decoded is no crash', async () => {
    const status = await new Promise((resolve, reject) => {
      const call = request(`${world.url}${path}?tier=%ff%fe&pack=%E0%A4%A`, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      call.on('error', reject).end();
    });
    expect([200, 400]).toContain(status);
  });
});
