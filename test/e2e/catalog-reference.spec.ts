import { Client } from 'pg';
import { adminDatabaseUrl } from '../support/database.js';
import { pollUntil, promised } from '../support/poll.js';
import { World, type TestKey } from '../support/world.js';

/** `GET /api/v1/models/meta`, `GET /api/v1/pricing`, and the catalogue without its database. */
let world: World;
let key: TestKey;

beforeAll(async () => {
  world = await World.create();
  key = await world.key();
  await world.model({ fields: { sku_tags: ['team'], feature_tags: ['chat', 'tools'], industry_packs: ['finance'] } });
});
afterAll(() => world.destroy());

async function data(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${world.url}/api/v1${path}`, { headers: { authorization: `Bearer ${key.key}` } });
  expect(response.status).toBe(200);
  const body = (await response.json()) as { code: number; message: string; data: Record<string, unknown> };
  expect(body).toMatchObject({ code: 0, message: 'success' });
  return body.data;
}

describe('GET /api/v1/models/meta', () => {
  it('lists what the filters can be set to', async () => {
    expect(await data('/models/meta')).toMatchObject({
      tiers: [
        { value: 'economy', label: 'Economy' },
        { value: 'standard', label: 'Standard' },
        { value: 'premium', label: 'Premium' },
      ],
      skus: [{ value: 'team', label: 'Team' }],
      featureTags: [
        { value: 'chat', label: 'Chat' },
        { value: 'tools', label: 'Tools' },
      ],
      industryPacks: [{ value: 'finance', label: 'Finance' }],
      providers: [{ value: expect.any(String) as string, label: expect.any(String) as string }],
      updatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    });
  });
});

describe('GET /api/v1/pricing', () => {
  it('says what a credit of each tier costs, as strings', async () => {
    const pricing = await data('/pricing');
    expect(pricing).toMatchObject({
      skus: [{ code: 'team', name: 'Team', description: '' }],
      currentVersion: '1',
      updatedAt: expect.stringMatching(/Z$/) as string,
    });
    expect(pricing['tiers']).toMatchObject([{ code: 'economy' }, { code: 'standard' }, { code: 'premium' }]);
    for (const tier of pricing['tiers'] as Record<string, unknown>[]) {
      expect(tier).toMatchObject({
        name: expect.any(String) as string,
        description: expect.any(String) as string,
        usdPerCredit: expect.stringMatching(/^\d+\.\d{6}$/) as string,
        creditsPerUsd: expect.stringMatching(/^\d+\.\d{6}$/) as string,
        unit: 'USD/Credit',
        rateVersion: '1',
        sortOrder: expect.any(Number) as number,
        updatedAt: expect.stringMatching(/Z$/) as string,
      });
    }
  });
});

describe('without its database', () => {
  it('the catalogue says so as published, and comes back by itself', async () => {
    const database = new URL(world.database.url).pathname.slice(1);
    const server = new Client({ connectionString: adminDatabaseUrl() });
    await server.connect();
    const models = (): Promise<Response> => fetch(`${world.url}/api/v1/models`);
    try {
      await server.query(`alter database ${database} with allow_connections false`);
      await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [database]);
      const down = async (): Promise<Response | null> => {
        const response = await models();
        return response.status === 503 ? response : null;
      };
      const response = await pollUntil(down, 'the catalogue to be down', promised(5_000));
      expect(await response.json()).toEqual({ code: 50300, message: 'admin-bff not available' });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
    } finally {
      await server.query(`alter database ${database} with allow_connections true`);
      await server.end();
    }
    const up = async (): Promise<true | null> => ((await models()).ok ? true : null);
    await pollUntil(up, 'the catalogue to be back');
  });
});
