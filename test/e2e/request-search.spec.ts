import { chat, prompt, requestIdOf } from '../support/chat.js';
import { World, type TestKey } from '../support/world.js';

/** `GET /admin/v1/requests`. */

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.destroy());

const refused = (key: TestKey, model: string, headers = {}): Promise<Response> =>
  chat(world.url, prompt(model), { key: key.key, headers });

describe('searching requests', () => {
  interface Found {
    request_id: string;
    status: number | null;
    stage: string;
    error: string | null;
    usage_status: string | null;
    credits_charged: string | null;
  }
  const search = (query: string): Promise<{ data: Found[]; next_cursor: string | null }> =>
    world.admin.get(`/requests?${query}`);

  it('finds served, refused and failed requests of a key, newest first, page by page', async () => {
    const [good, bad] = [await world.model(), await world.model({ behaviours: ['status-500'] })];
    const key = await world.key();
    const label = 'search-me';
    const calls = [good.key, 'no/such', bad.key, good.key];
    const ids: string[] = [];
    for (const model of calls) ids.push(requestIdOf(await refused(key, model, { 'x-request-id': label })));
    for (const at of [0, 2, 3]) await world.admin.settled(ids[at] ?? '');
    const all = await search(`api_key_id=${key.id}`);
    expect(
      all.data.map(({ request_id, status, stage: ended, error, usage_status }) => [
        request_id,
        status,
        ended,
        error,
        usage_status,
      ]),
    ).toEqual([
      [ids[3], 200, 'settle', null, 'settled'],
      [ids[2], 502, 'provider', expect.any(String), 'released'],
      [ids[1], 404, 'route', 'model_not_found', null],
      [ids[0], 200, 'settle', null, 'settled'],
    ]);
    const first = await search(`api_key_id=${key.id}&limit=2`);
    const second = await search(`api_key_id=${key.id}&limit=2&cursor=${first.next_cursor ?? ''}`);
    expect([...first.data, ...second.data].map(({ request_id }) => request_id)).toEqual([...ids].reverse());
    const idsOf = async (query: string): Promise<string[]> =>
      (await search(`api_key_id=${key.id}&${query}`)).data.map(({ request_id }) => request_id);
    expect(await idsOf('status=404')).toEqual([ids[1]]);
    expect(await idsOf('status=5xx')).toEqual([ids[2]]);
    expect(await idsOf('status=200')).toEqual([ids[3], ids[0]]);
    expect(await idsOf('stage=route')).toEqual([ids[1]]);
    expect(await idsOf(`model=${bad.key}`)).toEqual([ids[2]]);
    expect(await idsOf(`request_id=${ids[1] ?? ''}`)).toEqual([ids[1]]);
    expect(await idsOf(`request_id=${label}`)).toHaveLength(4);
    expect(await idsOf(`to=${encodeURIComponent('2020-01-01T00:00:00Z')}`)).toEqual([]);
    expect(await idsOf(`account_id=${key.accountId}`)).toHaveLength(4);
  });

  it.each(['status=600', 'status=4x', 'stage=nowhere', 'api_key_id=x', 'colour=red', 'limit=0', 'cursor=abc'])(
    'refuses the query %s and names it',
    async (query) => {
      const response = await world.admin.send('GET', `/requests?${query}`);
      expect(response.status).toBe(400);
      expect(await response.text()).toContain(query.split('=')[0] ?? '');
    },
  );

  it('keeps only so many refused requests without a valid key a minute', async () => {
    const capped = await World.create({ TRACE_UNAUTHENTICATED_PER_MINUTE: '2' });
    try {
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => chat(capped.url, prompt('auto'), { key: 'jt_no' })),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
      const { data } = await capped.admin.get<{ data: unknown[] }>('/requests?status=403');
      // The minute may have turned in between.
      expect([2, 4]).toContain(data.length);
    } finally {
      await capped.destroy();
    }
  });
});
