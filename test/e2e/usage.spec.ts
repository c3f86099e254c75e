import { chat, prompt, requestIdOf } from '../support/chat.js';
import { unique, World, type TestKey } from '../support/world.js';

/** What requests have used: for operators, and for the holder of a key. */

let world: World;
let key: TestKey;
let model: string;
let ids: string[];

beforeAll(async () => {
  world = await World.create();
  key = await world.key({ fields: { limit_daily: '50', limit_rpm: 1000 } });
  ({ key: model } = await world.model());
  const failing = await world.model({ behaviours: ['status-500'] });
  ids = [];
  for (const name of [model, model, failing.key]) {
    const headers = { 'x-request-id': `=${unique('label')},"x"` };
    ids.push(requestIdOf(await chat(world.url, prompt(name), { key: key.key, headers })));
  }
  for (const id of ids) await world.admin.settled(id);
});
afterAll(() => world.destroy());

interface Summary {
  data: Record<string, unknown>[];
  total: Record<string, unknown>;
}
const text = async (path: string): Promise<{ type: string; body: string }> => {
  const response = await world.admin.send('GET', path);
  return { type: response.headers.get('content-type') ?? '', body: await response.text() };
};

describe('GET /admin/v1/usage/summary', () => {
  it('sums the requests of a key by model and status, with a total', async () => {
    const { data, total } = await world.admin.get<Summary>(`/usage/summary?api_key_id=${key.id}&group_by=model,status`);
    expect(data).toHaveLength(2);
    expect(data[0]).toMatchObject({
      model,
      status: 'settled',
      requests: 2,
      input_tokens: 20,
      output_tokens: 40,
      credits_charged: '0.040000',
      duration_ms: { p50: expect.any(Number) as number },
    });
    expect(data[1]).toMatchObject({ status: 'released', requests: 1, credits_charged: '0.000000' });
    expect(total).toMatchObject({ requests: 3, credits_used: '0.040000' });
  });

  it('is one row without a grouping, and none but zeros for nobody', async () => {
    const nobody = await world.key();
    const { data, total } = await world.admin.get<Summary>(`/usage/summary?api_key_id=${nobody.id}`);
    expect(data).toEqual([expect.objectContaining({ requests: 0, credits_used: '0.000000', duration_ms: null })]);
    expect(total).toMatchObject({ requests: 0 });
  });

  it('comes as CSV', async () => {
    const { type, body } = await text(`/usage/summary?api_key_id=${key.id}&group_by=status&group_by=day&format=csv`);
    expect(type).toContain('text/csv');
    const lines = body.trim().split('\r\n');
    expect(lines[0]).toMatch(/^status,day,requests,streams,.*margin_usd,duration_ms_p50/);
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/^settled,\d{4}-\d\d-\d\d,2,0,20,40,/);
  });

  it.each([
    ['group_by=colour', 'group_by'],
    ['group_by=day,day', 'group_by'],
    ['group_by=key,account,model,tier,day', 'group_by'],
    ['time_zone=Mars/Base', 'time_zone'],
    ['time_zone=%2B02:00', 'time_zone'],
    ['from=yesterday', 'from'],
    ['model=', 'model'],
    ['format=xml', 'format'],
    ['limit=3', 'limit'],
  ])('refuses %s and names %s', async (query, name) => {
    const response = await world.admin.send('GET', `/usage/summary?${query}`);
    expect(response.status).toBe(400);
    const { errors } = (await response.json()) as { errors: { path: string }[] };
    expect(errors.map(({ path }) => path.split('.')[0])).toContain(name);
  });
});

describe('GET /admin/v1/usage as a file', () => {
  it('writes every record as CSV, and no formula', async () => {
    const { type, body } = await text(`/usage?api_key_id=${key.id}&format=csv&limit=1`);
    expect(type).toContain('text/csv');
    const [head, ...lines] = body.trim().split('\r\n');
    expect(head).toMatch(/^request_id,client_request_id,api_key_id,/);
    expect(lines.map((line) => line.split(',')[0])).toEqual([...ids].reverse());
    expect(lines[0]).toContain(`,"'=label-`);
  });

  it('writes every record as a line of JSON', async () => {
    const { type, body } = await text(`/usage?api_key_id=${key.id}&format=ndjson`);
    expect(type).toContain('application/x-ndjson');
    const records = body
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { request_id: string });
    expect(records.map(({ request_id }) => request_id)).toEqual([...ids].reverse());
    expect(records[0]).toEqual(await world.admin.usage(ids[2] ?? ''));
  });
});

describe('the holder of a key', () => {
  const own = (path: string, of: TestKey = key): Promise<Response> =>
    fetch(`${world.url}/openai/v1/${path}`, { headers: { authorization: `Bearer ${of.key}` } });

  it('reads its own usage page by page, without costs of the operator', async () => {
    const first = (await (await own('usage?limit=2')).json()) as {
      data: { request_id: string }[];
      next_cursor: string;
    };
    const rest = (await (await own(`usage?limit=2&cursor=${first.next_cursor}`)).json()) as typeof first;
    expect([...first.data, ...rest.data].map(({ request_id }) => request_id)).toEqual([...ids].reverse());
    expect(rest.next_cursor).toBeNull();
    expect(rest.data[0]).toMatchObject({ model, credits_charged: '0.020000', output_tokens: 20, status: 'settled' });
    expect(JSON.stringify(first)).not.toMatch(/margin|"provider"\s*:|provider_cost/);
    const stranger = await world.key();
    expect(await (await own('usage', stranger)).json()).toMatchObject({ data: [], next_cursor: null });
  });

  it('reads its balance, limits and what is used of them', async () => {
    expect(await (await own('balance')).json()).toEqual({
      object: 'balance',
      wallet: 'personal',
      wallets: ['economy', 'standard', 'premium'].map((tier) => ({
        tier,
        available: tier === 'standard' ? '999.960000' : '1000.000000',
        frozen: '0.000000',
      })),
      limits: {
        daily: { limit: '50.000000', used: '0.040000', resets_at: expect.stringMatching(/T00:00:00\.000Z$/) as string },
        weekly: { limit: null, used: '0.040000', resets_at: expect.stringMatching(/T00:00:00\.000Z$/) as string },
        requests_per_minute: 1000,
        concurrency: null,
      },
    });
  });

  it.each(['usage?limit=0', 'usage?cursor=x', 'usage?from=soon', 'usage?colour=red'])(
    'is told what is wrong with %s',
    async (path) => {
      const response = await own(path);
      const { error } = (await response.json()) as { error: { type: string; param: string } };
      expect([response.status, error.type]).toEqual([400, 'invalid_request_error']);
      expect(path).toContain(error.param);
    },
  );

  it.each(['usage', 'balance'])('needs a key for %s', async (path) => {
    expect((await fetch(`${world.url}/openai/v1/${path}`)).status).toBe(401);
    expect((await own(path, { ...key, key: 'jt_nobody' })).status).toBe(403);
  });
});
