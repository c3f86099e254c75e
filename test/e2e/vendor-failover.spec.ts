import { chat, chatStream, errorOf, prompt, requestIdOf, type StreamedAnswer } from '../support/chat.js';
import type { UsageView } from '../support/admin.js';
import { textOf } from '../support/upstream/answer.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Failover and rescue between vendors: what breaks at one goes on at another, without a seam and for one price. */
let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

type Vendor = 'openai' | 'anthropic' | 'gemini';

/** 30 prompt tokens at 200 and 20 output tokens at 900 credits a million. */
const PRICE_OF_ONE_ANSWER = '0.024000';

interface Told {
  answer: StreamedAnswer;
  usage: UsageView;
  providers: string[];
}

type Endpoints = readonly (readonly [vendor: Vendor, upstreamModel: string])[];

/** A model with these endpoints, in this order. */
async function modelAt(endpoints: Endpoints): Promise<{ key: string; providers: string[] }> {
  const model = await world.model({ behaviours: [] });
  const providers: string[] = [];
  for (const [at, [adapter, upstreamModel]] of endpoints.entries()) {
    const base = world.upstream.url.replace(/\/v1$/, adapter === 'gemini' ? '/v1beta' : '/v1');
    const provider = await world.provider({ adapter, base_url: base });
    providers.push(provider.name);
    await world.admin.post(`/models/${model.id}/endpoints`, {
      provider_id: provider.id,
      upstream_model: upstreamModel,
      priority: at + 1,
    });
  }
  return { key: model.key, providers };
}

/** One streamed call of a model with these endpoints. */
async function tell(...endpoints: Endpoints): Promise<Told> {
  const { key: model, providers } = await modelAt(endpoints);
  const answer = await chatStream(world.url, prompt(model, { user: unique('vendor') }), { key: key.key });
  return { answer, providers, usage: await world.admin.settled(requestIdOf(answer.response)) };
}

const PAIRS: readonly (readonly [Vendor, Vendor])[] = [
  ['anthropic', 'openai'],
  ['openai', 'anthropic'],
  ['gemini', 'anthropic'],
  ['anthropic', 'gemini'],
];

it.each(PAIRS)('a stream cut at %s is finished by %s', async (from, to) => {
  const { answer, usage, providers } = await tell([from, 'cut-a5-n20-p30'], [to, 'ok-n20-p30']);
  expect(answer).toMatchObject({ text: textOf(20), done: true, error: undefined });
  const after = { from: providers[0], to: providers[1], after_chars: textOf(5).length };
  expect(answer.metadata?.routing.rescued).toEqual(after);
  expect(usage).toMatchObject({ status: 'settled', provider: providers[1], credits_charged: PRICE_OF_ONE_ANSWER });
});

it.each(['anthropic', 'gemini'] as const)(
  'a stream cut at %s with nobody to go on is an honest error',
  async (vendor) => {
    const { answer, usage } = await tell([vendor, 'cut-a5-n20-p30'], ['openai', 'other']);
    expect(answer).toMatchObject({ text: textOf(5), done: false, metadata: undefined });
    expect(answer.error).toMatchObject({ type: 'upstream_error', code: 'stream_broken' });
    expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated', output_tokens: 5 });
  },
);

it.each([
  ['anthropic', 'context-length', 'context_length'],
  ['gemini', 'context-length', 'context_length'],
  ['anthropic', 'status-529', 'http_529'],
  ['gemini', 'status-503', 'http_503'],
  ['anthropic', 'status-429-r60', 'http_429'],
  ['anthropic', 'bad-key', 'http_401'],
  ['gemini', 'error-in-stream-a0', 'error_in_stream'],
] as const)('%s that fails with %s before any content is replaced unseen', async (vendor, behaviour, reason) => {
  const { answer, usage, providers } = await tell([vendor, behaviour], ['openai', 'ok-n20-p30']);
  expect(answer).toMatchObject({ text: textOf(20), done: true });
  expect(answer.response.headers.get('x-daoe-failover')).toBe(`${String(providers[0])}=${reason}`);
  expect(usage).toMatchObject({ status: 'settled', provider: providers[1], credits_charged: PRICE_OF_ONE_ANSWER });
});

describe('a field that a vendor has no word for', () => {
  const ask = (model: string, fields: Record<string, unknown>): Promise<Response> =>
    chat(world.url, prompt(model, fields), { key: key.key });

  it.each<[string, Record<string, unknown>, Vendor[]]>([
    ['several choices', { n: 2 }, ['anthropic']],
    ['several choices, streamed', { n: 2, stream: true }, ['gemini']],
    ['log probabilities', { logprobs: true }, ['gemini', 'anthropic', 'gemini']],
  ])('is taken to one that has: %s', async (_what, fields, unable) => {
    const endpoints = unable.map((vendor): [Vendor, string] => [vendor, 'ok-n20-p30']);
    const { key: model, providers } = await modelAt([...endpoints, ['openai', 'ok-n20-p30']]);
    const response = await ask(model, fields);
    await response.text();
    expect(response.status).toBe(200);
    const asked = [...new Set(unable)].map((_vendor, at) => `${String(providers[at])}=unsupported`);
    expect(response.headers.get('x-daoe-failover')).toBe(asked.join(', '));
    expect(await world.admin.settled(requestIdOf(response))).toMatchObject({
      provider: providers.at(-1),
      credits_charged: PRICE_OF_ONE_ANSWER,
    });
  });

  it('is a 400 that names it where nobody has, and costs nothing', async () => {
    const { key: model } = await modelAt([
      ['anthropic', 'ok'],
      ['gemini', 'ok'],
    ]);
    const response = await ask(model, { n: 2 });
    expect(await errorOf(response)).toMatchObject({ status: 400, param: 'n', code: 'unsupported_parameter' });
    expect(await world.admin.settled(requestIdOf(response))).toMatchObject({
      status: 'released',
      credits_used: '0.000000',
    });
  });

  it('is no 400 while the one that has a word for it is out of order: another try helps', async () => {
    const { key: model } = await modelAt([
      ['anthropic', 'ok'],
      ['openai', 'status-503'],
    ]);
    expect(await errorOf(await ask(model, { n: 2 }))).toMatchObject({ status: 502, type: 'upstream_error' });
    const { key: limited } = await modelAt([
      ['anthropic', 'ok'],
      ['openai', 'status-429-r60'],
    ]);
    expect(await errorOf(await ask(limited, { n: 2 }))).toMatchObject({ status: 429, code: 'upstream_rate_limited' });
  });
});
