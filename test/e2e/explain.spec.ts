import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import type { TraceView } from '../support/admin.js';
import { pollUntil, promised } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** The explanation of a request, for the operator and for its caller. */
const STAGES = ['receive', 'authenticate', 'read_body', 'policy', 'route', 'freeze', 'provider', 'capture', 'settle'];

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

/** The explanation, within the second that the contract gives it. */
function explained(id: string): Promise<TraceView> {
  const ask = async (): Promise<TraceView | null> => {
    const response = await world.admin.send('GET', `/requests/${id}`);
    return response.ok ? ((await response.json()) as TraceView) : null;
  };
  return pollUntil(ask, `explanation of ${id}`, promised(1_000));
}

function statusesOf(trace: TraceView): Record<string, string> {
  expect(trace.stages.map(({ stage }) => stage)).toEqual(STAGES);
  expect(trace.verdict).not.toBe('');
  expect(typeof trace.next_step).toBe('string');
  return Object.fromEntries(trace.stages.map(({ stage, status }) => [stage, status]));
}

describe('a served request', () => {
  it.each([false, true])('has passed all nine stages, with their facts (stream: %s)', async (stream) => {
    const model = await world.model({ behaviours: ['status-503', 'ok-n20-p10'] });
    const response = stream
      ? (await chatStream(world.url, prompt(model.key), { key: key.key })).response
      : await chat(world.url, prompt(model.key), { key: key.key });
    const id = requestIdOf(response);
    await world.admin.settled(id);
    const trace = await explained(id);
    expect(Object.values(statusesOf(trace))).toEqual(STAGES.map(() => 'passed'));
    const text = JSON.stringify(trace);
    for (const fact of [key.id, model.key, ...model.providers, '127.0.0.1', 'bearer', '0.020000']) {
      expect(text).toContain(fact);
    }
    expect(text).not.toContain(key.key);
    expect(text).not.toContain('sk-canary');
  });

  it('is found by the label of the caller as well', async () => {
    const label = unique('label');
    const { key: model } = await world.model();
    const response = await chat(world.url, prompt(model), { key: key.key, headers: { 'x-request-id': label } });
    expect(await explained(label)).toMatchObject({ request_id: requestIdOf(response), client_request_id: label });
  });
});

describe('a refused request', () => {
  it.each<[string, string, () => Promise<Response>]>([
    ['authenticate', 'refused', () => chat(world.url, prompt('auto'), { key: 'jt_wrong' })],
    ['read_body', 'refused', () => chat(world.url, '{', { key: key.key })],
    ['policy', 'refused', () => chat(world.url, prompt('auto', { tier: 'gold' }), { key: key.key })],
    ['route', 'refused', () => chat(world.url, prompt('no/such'), { key: key.key })],
    [
      'freeze',
      'refused',
      async () => {
        const { key: model } = await world.model();
        const poor = await world.key({ credits: { standard: '0.000001' } });
        return chat(world.url, prompt(model), { key: poor.key });
      },
    ],
    [
      'provider',
      'failed',
      async () => {
        const { key: model } = await world.model({ behaviours: ['status-500'] });
        return chat(world.url, prompt(model), { key: key.key });
      },
    ],
    ['receive', 'refused', () => fetch(`${world.url}/openai/v1/chat/completions`)],
    ['receive', 'refused', () => fetch(`${world.url}/openai/v1/embeddings`, { method: 'POST', body: '{}' })],
  ])('ends at the stage %s (%s), and no later one was reached', async (stage, status, call) => {
    const trace = await explained(requestIdOf(await call()));
    const statuses = statusesOf(trace);
    const at = STAGES.indexOf(stage);
    for (const [index, name] of STAGES.entries()) {
      if (index < at) expect([name, statuses[name]]).toEqual([name, 'passed']);
    }
    expect(statuses[stage]).toBe(status);
    expect(trace.verdict).toMatch(/[^.]\.$/);
    if (stage !== 'provider') {
      expect(STAGES.slice(at + 1).map((name) => statuses[name])).toEqual(STAGES.slice(at + 1).map(() => 'not_reached'));
    }
  });
});

it('says which path nobody serves, but nothing of a key that was put into it', async () => {
  const response = await fetch(`${world.url}/openai/v1/${key.key}/completions?key=${key.key}`, { method: 'POST' });
  const trace = await explained(requestIdOf(response));
  expect(trace.status).toBe(404);
  expect(trace.stages[0]).toMatchObject({ status: 'refused', method: 'POST', path: '/openai/v1/…/completions' });
  expect(JSON.stringify(trace)).not.toContain(key.key);
});

describe('the caller', () => {
  async function asCaller(id: string, caller: TestKey): Promise<Response> {
    const headers = { authorization: `Bearer ${caller.key}` };
    return fetch(`${world.url}/openai/v1/requests/${id}`, { headers });
  }

  it('reads its own request without the inside of the provider', async () => {
    const model = await world.model({ behaviours: ['status-500', 'ok'] });
    const id = requestIdOf(await chat(world.url, prompt(model.key), { key: key.key }));
    await explained(id);
    const response = await asCaller(id, key);
    expect(response.status).toBe(200);
    const trace = (await response.json()) as TraceView;
    statusesOf(trace);
    expect(JSON.stringify(trace)).not.toMatch(/upstream_model|endpoint_id|base_url|status-500/);
  });

  it('gets the very 404 of a missing request for one of another key', async () => {
    const { key: model } = await world.model();
    const id = requestIdOf(await chat(world.url, prompt(model), { key: key.key }));
    await explained(id);
    const stranger = await world.key();
    const foreign = (await (await asCaller(id, stranger)).json()) as { error: object };
    const missing = (await (await asCaller(`gwr_${'0'.repeat(32)}`, stranger)).json()) as { error: object };
    expect({ ...foreign.error, request_id: '' }).toEqual({ ...missing.error, request_id: '' });
    expect((await asCaller(id, stranger)).status).toBe(404);
  });

  it.each(['%00', '%20', '%C3%BC', 'x'.repeat(129)])('gets a 404 for what cannot be an id: %s', async (id) => {
    expect((await asCaller(id, key)).status).toBe(404);
  });
});
