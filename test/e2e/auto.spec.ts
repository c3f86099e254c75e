import { chat, errorOf, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestModel } from '../support/world.js';

/** `auto` over HTTP: what it takes, that it stays with it, and what it says. */
let world: World;
const twins: TestModel[] = [];
let blind: TestModel;
let premium: TestModel;

beforeAll(async () => {
  world = await World.create();
  for (let at = 0; at < 4; at += 1) twins.push(await world.model());
  const fields = { feature_tags: ['chat'], mci_score: 51, context_window: 3_000, max_output_tokens: 1_500 };
  blind = await world.model({
    tier: 'economy',
    fields: { ...fields, customer_input_mtok: '1', customer_output_mtok: '1' },
  });
  premium = await world.model({ tier: 'premium', fields: { mci_score: 90 } });
});
afterAll(() => world.destroy());

async function completion(key: string, body: Record<string, unknown>, url = world.url): Promise<Completion> {
  const response = await chat(url, body, { key });
  expect(response.status).toBe(200);
  return (await response.json()) as Completion;
}

const TOOLS = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];
const PICTURE = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }];

describe('auto', () => {
  it('takes the best value of all tiers', async () => {
    const { key } = await world.key();
    const { routing } = (await completion(key, prompt('auto'))).metadata;
    expect(routing).toMatchObject({ requested_model: 'auto', selected_model: blind.key });
    expect(routing.reason).toContain('score');
    expect(routing.routing_ms).toBeGreaterThanOrEqual(0);
  });

  it('takes only models of the tier that is sent', async () => {
    const { key } = await world.key();
    expect((await completion(key, prompt('auto', { tier: 'P' }))).metadata.model).toBe(premium.key);
  });

  it.each([
    ['call tools', { tools: TOOLS }],
    ['see', { messages: PICTURE }],
    ['write JSON by a schema', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema: {} } } }],
    ['hold the prompt', { messages: [{ role: 'user', content: 'word '.repeat(2_000) }] }],
  ])('takes no model that cannot %s', async (_what, fields) => {
    const { key } = await world.key();
    const response = await chat(world.url, prompt('auto', { ...fields, tier: 'economy' }), { key });
    expect(await errorOf(response)).toMatchObject({ status: 502, type: 'routing_error', code: 'no_candidate' });
    expect((await completion(key, prompt('auto', fields))).metadata.model).not.toBe(blind.key);
  });

  it('is what a request without a model gets', async () => {
    const { key } = await world.key();
    expect((await completion(key, prompt(undefined))).metadata.routing.selected_model).toBe(blind.key);
  });

  it('names the reason of every model in the explanation', async () => {
    const { key } = await world.key({ fields: { tier: 'standard' }, policy: { model_blacklist: [twins[0]?.key] } });
    const response = await chat(world.url, prompt('auto'), { key });
    const candidatesOf = async (): Promise<Record<string, unknown>[] | null> => {
      const { stages } = await world.admin.trace(requestIdOf(response));
      const route = stages.find(({ stage }) => stage === 'route');
      return (route?.['candidates'] as Record<string, unknown>[] | undefined) ?? null;
    };
    const candidates = await pollUntil(candidatesOf, 'the explanation');
    const lost = new Map(candidates.map((candidate) => [candidate['model_key'], candidate['lost']]));
    expect(lost.get(twins[0]?.key)).toBe('blacklisted');
    expect(lost.get(premium.key)).toBe('tier not allowed');
    expect([...lost.values()].filter((reason) => reason === null)).toHaveLength(1);
  });
});

describe('a session', () => {
  it('by `user` keeps its model over different messages, also in another process', async () => {
    const { key } = await world.key({ fields: { tier: 'standard' } });
    const other = await world.startAnother();
    try {
      for (const user of ['ada', 'bob', 'eve']) {
        const chosen = new Set<string>();
        for (const [at, content] of ['hi', 'tell me more', 'word '.repeat(300)].entries()) {
          const url = at === 1 ? other.url : world.url;
          const body = { ...prompt('auto', { user, max_tokens: 400 }), messages: [{ role: 'user', content }] };
          chosen.add((await completion(key, body, url)).metadata.model);
        }
        expect(chosen.size).toBe(1);
      }
    } finally {
      await other.stop();
    }
  });

  it('without `user` is known by its first messages', async () => {
    const { key } = await world.key({ fields: { tier: 'standard' } });
    for (let at = 0; at < 4; at += 1) {
      const first = [
        { role: 'system', content: 'Be short.' },
        { role: 'user', content: unique('question') },
      ];
      const later = [...first, { role: 'assistant', content: 'Well.' }, { role: 'user', content: 'And then?' }];
      const models = await Promise.all(
        [first, later].map(async (messages) => (await completion(key, { model: 'auto', messages })).metadata.model),
      );
      expect(models[1]).toBe(models[0]);
    }
  });

  it('spreads over equal models', async () => {
    const { key } = await world.key({ fields: { tier: 'standard' } });
    const users = Array.from({ length: 24 }, (_, at) => `user-${at.toString()}`);
    const models = await Promise.all(
      users.map(async (user) => (await completion(key, prompt('auto', { user }))).metadata.model),
    );
    expect(new Set(models).size).toBeGreaterThan(1);
    for (const model of models) expect(twins.map((twin) => twin.key)).toContain(model);
  });
});

describe('a model that is named', () => {
  it('is used by key and by id', async () => {
    const { key } = await world.key();
    for (const name of [premium.key, premium.id]) {
      expect((await completion(key, prompt(name))).metadata).toMatchObject({
        model: premium.key,
        model_id: premium.id,
      });
    }
  });

  it('is not refused for an estimate of its context or for tools', async () => {
    const { key } = await world.key();
    const body = { model: blind.key, tools: TOOLS, messages: [{ role: 'user', content: 'word '.repeat(2_000) }] };
    expect((await completion(key, body)).metadata.model).toBe(blind.key);
  });

  it('without an endpoint in service is 503 with a time to wait, and auto goes past it', async () => {
    const { key } = await world.key({ fields: { tier: 'premium' } });
    const idle = await world.model({ tier: 'premium', behaviours: [], fields: { mci_score: 99 } });
    const response = await chat(world.url, prompt(idle.key), { key });
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await errorOf(response)).toMatchObject({ status: 503, type: 'upstream_error', code: 'no_healthy_endpoint' });
    expect((await completion(key, prompt('auto'))).metadata.model).toBe(premium.key);
  });
});

describe('a model whose provider keeps failing', () => {
  it('is left by auto once its breaker is open', async () => {
    const { key } = await world.key({ fields: { tier: 'premium' } });
    const broken = await world.model({ tier: 'premium', behaviours: ['status-500'], fields: { mci_score: 99 } });
    const gone = async (): Promise<true | null> => {
      // One body opens no breaker, however often it fails.
      const messages = [{ role: 'user', content: unique('another') }];
      const response = await chat(world.url, prompt('auto', { messages }), { key });
      if (!response.ok) return null;
      expect(((await response.json()) as Completion).metadata.model).toBe(premium.key);
      return true;
    };
    await pollUntil(gone, 'auto to leave the broken model');
    expect(await errorOf(await chat(world.url, prompt(broken.key), { key }))).toMatchObject({ status: 503 });
    await world.admin.patch(`/models/${broken.id}`, { enabled: false });
  });
});
