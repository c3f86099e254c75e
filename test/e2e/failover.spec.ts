import type { TraceView } from '../support/admin.js';
import { chat, chatStream, errorOf, prompt, requestIdOf } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { textOf } from '../support/upstream/answer.js';
import { unique, World, type TestKey, type TestModel } from '../support/world.js';

/** Endpoints in order of priority: who is tried, what the caller sees of it, and that only one answer is paid. */
let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

async function call(
  behaviours: string[],
  stream: boolean,
): Promise<{ response: Response; model: TestModel; text: string; marker: string }> {
  const model = await world.model({ behaviours, stallMs: 500 });
  const marker = unique('failover');
  const body = prompt(model.key, { user: marker });
  if (stream) {
    const answer = await chatStream(world.url, body, { key: key.key });
    expect(answer.done).toBe(true);
    return { response: answer.response, model, text: answer.text, marker };
  }
  const response = await chat(world.url, body, { key: key.key });
  const answer = (await response.json()) as { choices?: { message: { content: string } }[] };
  return { response, model, text: answer.choices?.[0]?.message.content ?? '', marker };
}

describe.each([false, true])('an endpoint that fails before any output (stream: %s)', (stream) => {
  it.each([
    'status-500',
    'status-401',
    'status-403',
    'status-404',
    'status-429-r9',
    'reset',
    'close',
    'html',
    'stall-headers',
    ...['cut-a0'],
  ])('%s is replaced by the next one, invisibly but for a header', async (behaviour) => {
    const { response, model, text } = await call([behaviour, 'ok-n20-p10'], stream);
    expect(response.status).toBe(200);
    expect(text).toBe(textOf(20));
    expect(response.headers.get('x-daoe-used-provider')).toBe(model.providers[1]);
    const [failed = ''] = model.providers;
    expect(response.headers.get('x-daoe-failover')).toMatch(new RegExp(`^${failed}=[a-z0-9_]+$`));
    const usage = await world.admin.settled(requestIdOf(response));
    expect(usage).toMatchObject({ provider: model.providers[1], credits_charged: '0.020000' });
  });
});

it('names every failed endpoint in the order of trial', async () => {
  const { response, model } = await call(['status-500', 'reset', 'ok'], false);
  const failed = (response.headers.get('x-daoe-failover') ?? '').split(', ').map((pair) => pair.split('=')[0]);
  expect(failed).toEqual(model.providers.slice(0, 2));
});

it.each(['status-400', 'status-422'])('a fault of the caller (%s) is not tried elsewhere', async (behaviour) => {
  const { key: model } = await world.model({ behaviours: [behaviour, 'ok'] });
  const marker = unique('fault');
  const response = await chat(world.url, prompt(model, { user: marker }), { key: key.key });
  expect((await errorOf(response)).status).toBe(400);
  expect(await world.upstream.calls(marker)).toHaveLength(1);
});

it('a broken endpoint is not asked for ever: after some failures it is passed over', async () => {
  const model = await world.model({ behaviours: ['status-500', 'ok'] });
  const markers = Array.from({ length: 30 }, () => unique('breaker'));
  for (const marker of markers) {
    expect((await chat(world.url, prompt(model.key, { user: marker }), { key: key.key })).status).toBe(200);
  }
  const asked = await Promise.all(markers.map((marker) => world.upstream.calls(marker)));
  const broken = asked.flat().filter((seen) => seen.model === 'status-500');
  expect(broken.length).toBeGreaterThan(0);
  expect(broken.length).toBeLessThan(15);
});

it('all endpoints are named to the operator and none to the caller when all fail', async () => {
  const { key: model } = await world.model({ behaviours: ['status-500', 'status-503'] });
  const response = await chat(world.url, prompt(model), { key: key.key });
  expect(await errorOf(response)).toMatchObject({ status: 502, type: 'upstream_error' });
  const trace = await world.admin.trace(requestIdOf(response));
  const provider = trace.stages.find(({ stage }) => stage === 'provider');
  expect(provider).toMatchObject({ status: 'failed' });
  expect(JSON.stringify(provider)).toMatch(/500.*503/s);
});

it('a caller who leaves while a Retry-After is waited for ends the wait and pays nothing', async () => {
  const { key: model } = await world.model({ behaviours: ['status-429-r2'] });
  const marker = unique('leaver');
  const leave = new AbortController();
  const body = prompt(model, { user: marker });
  const options = { key: key.key, headers: { 'x-request-id': marker }, signal: leave.signal };
  const left = chat(world.url, body, options).catch((error: unknown) => error);
  await world.upstream.callWhen(marker, ({ endedAtMs }) => endedAtMs !== null);
  leave.abort();
  await left;
  // While it runs it is known by its freeze, and has no status yet.
  const ended = async (): Promise<TraceView | null> => {
    const found = await world.admin.trace(marker).catch(() => null);
    return found === null || found.status === null ? null : found;
  };
  const trace = await pollUntil(ended, 'the trace of the call', 10_000);
  expect(trace.status).toBe(499);
  expect(await world.admin.settled(trace.request_id)).toMatchObject({
    status: 'released',
    credits_charged: '0.000000',
  });
  expect(await world.upstream.calls(marker)).toHaveLength(1);
});
