import { chat, chatStream, errorOf, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { textOf } from '../support/upstream/answer.js';
import { World, type TestKey, type TestModel } from '../support/world.js';

/** `auto` chose a model for which the prompt is too long, whatever its estimate said: a larger one answers, at its price. */
let world: World;
let key: TestKey;
let small: TestModel;
let large: TestModel;
let narrow: TestModel;
let between: TestModel;
let widest: TestModel;

interface Replayed {
  decisions: { stage: string; same: boolean; stored_model: string; replayed_model: string }[];
}
beforeAll(async () => {
  world = await World.create();
  key = await world.key({ credits: { economy: '1.2', standard: '1000', premium: '1000' } });
  const price = (input: string, output: string): Record<string, unknown> => ({
    customer_input_mtok: input,
    customer_output_mtok: output,
  });
  small = await world.model({ behaviours: ['context-length'], fields: { mci_score: 95, context_window: 8_192 } });
  large = await world.model({
    behaviours: ['ok-n20-p10'],
    fields: { mci_score: 20, context_window: 128_000, ...price('400', '1800') },
  });
  await world.model({
    behaviours: ['context-length'],
    tier: 'economy',
    fields: { mci_score: 95, context_window: 8_192 },
  });
  await world.model({
    behaviours: ['ok-n20-p10'],
    tier: 'economy',
    fields: { mci_score: 20, context_window: 128_000, ...price('400', '1800') },
  });
  const premium = (behaviour: string, mci: number, window: number, ...rates: [string, string]): Promise<TestModel> =>
    world.model({
      behaviours: [behaviour],
      tier: 'premium',
      fields: { mci_score: mci, context_window: window, ...price(...rates) },
    });
  narrow = await premium('context-length', 95, 8_192, '200', '900');
  between = await premium('context-length', 90, 32_768, '900', '3600');
  widest = await premium('ok-n20-p10', 20, 128_000, '300', '1500');
  await world.admin.post(`/models/${widest.id}/prices`, price('400', '1800'));
});
afterAll(() => world.destroy());

async function receiptOf(id: string): Promise<{ price: Record<string, unknown> }> {
  const url = `${world.url}/openai/v1/receipts/${id}`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${key.key}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as { price: Record<string, unknown> };
}

/** 10 prompt tokens at 400 and 20 output tokens at 1800 credits a million. */
const PRICE_AT_THE_LARGER = '0.040000';

it.each([false, true])('the larger model answers and is what is paid (stream: %s)', async (stream) => {
  const before = await world.admin.wallet(key.accountId, 'standard');
  const body = prompt('auto', { tier: 'standard', max_tokens: 1_000 });
  let response: Response;
  let outgrown: unknown;
  if (stream) {
    const answer = await chatStream(world.url, body, { key: key.key });
    expect(answer).toMatchObject({ text: textOf(20), done: true });
    outgrown = answer.metadata?.routing;
    response = answer.response;
  } else {
    response = await chat(world.url, body, { key: key.key });
    const answer = (await response.json()) as Completion;
    expect(answer.choices[0]?.message.content).toBe(textOf(20));
    outgrown = answer.metadata.routing;
  }
  expect(response.headers.get('x-daoe-used-model')).toBe(large.key);
  expect(response.headers.get('x-daoe-failover')).toBe(`${String(small.providers[0])}=context_length`);
  expect(outgrown).toMatchObject({ selected_model: large.key, outgrown: [small.key] });

  const usage = await world.admin.settled(requestIdOf(response));
  expect(usage).toMatchObject({
    model_key: large.key,
    credits_charged: PRICE_AT_THE_LARGER,
    shortfall: '0.000000',
    status: 'settled',
  });
  const after = await world.admin.wallet(key.accountId, 'standard');
  expect(after.frozen).toBe('0.000000');
  expect(Number(before.available) - Number(after.available)).toBeCloseTo(0.04, 6);
  const trace = await world.admin.trace(requestIdOf(response));
  expect(trace.stages.find(({ stage }) => stage === 'provider')).toMatchObject({
    outgrown: [small.key],
    attempts: [{ provider: small.providers[0], status: 400, reason: 'context_length' }, { status: 200 }],
  });
});

it('each choice is kept, is made again with the same result, and one price version is charged: the last', async () => {
  const response = await chat(world.url, prompt('auto', { tier: 'premium', max_tokens: 1_000 }), { key: key.key });
  expect(response.headers.get('x-daoe-used-model')).toBe(widest.key);
  const id = requestIdOf(response);
  const usage = await world.admin.settled(id);
  const { stages } = await world.admin.trace(id);
  const provider = stages.find(({ stage }) => stage === 'provider');
  expect(provider).toMatchObject({
    outgrown: [narrow.key, between.key],
    model: widest.key,
    routes: [
      { selected_model: between.key, decision: { group: 'router' } },
      { selected_model: widest.key, decision: { group: 'router' } },
    ],
  });
  const { decisions } = await world.admin.get<Replayed>(`/router/replay/${id}`);
  const made = [narrow, between, widest].map(({ key: model }, at) => ({
    stage: at === 0 ? 'route' : 'provider',
    same: true,
    stored_model: model,
    replayed_model: model,
  }));
  expect(decisions).toMatchObject(made);
  const { price } = await receiptOf(id);
  expect(price).toMatchObject({ version: 2, credits_per_mtok: { input: '400.000000', output: '1800.000000' } });
  expect(usage).toMatchObject({ model_key: widest.key, credits_charged: PRICE_AT_THE_LARGER, shortfall: '0.000000' });
});

it('a caller sees the choices of its request without the providers', async () => {
  const response = await chat(world.url, prompt('auto', { tier: 'premium', max_tokens: 1_000 }), { key: key.key });
  await response.text();
  const id = requestIdOf(response);
  await world.admin.settled(id);
  const own = await fetch(`${world.url}/openai/v1/requests/${id}`, { headers: { authorization: `Bearer ${key.key}` } });
  const shown = await own.text();
  expect(shown).toContain(widest.key);
  for (const { providers } of [narrow, between, widest]) expect(shown).not.toContain(`"endpoints":["${providers[0]}`);
});

it('when nobody takes the prompt the choices are kept, too', async () => {
  await world.admin.patch(`/models/${widest.id}`, { enabled: false });
  const response = await chat(world.url, prompt('auto', { tier: 'premium', max_tokens: 1_000 }), { key: key.key });
  expect(await errorOf(response)).toMatchObject({ status: 400, code: 'context_length_exceeded' });
  const id = requestIdOf(response);
  expect(await world.admin.settled(id)).toMatchObject({ status: 'released', credits_charged: '0.000000' });
  const { decisions } = await world.admin.get<Replayed>(`/router/replay/${id}`);
  expect(decisions.map(({ stored_model: model, same }) => [model, same])).toEqual([
    [narrow.key, true],
    [between.key, true],
  ]);
});

it('a caller who named the model gets its refusal, and pays nothing', async () => {
  const response = await chat(world.url, prompt(small.key), { key: key.key });
  expect(await errorOf(response)).toMatchObject({ status: 400, code: 'context_length_exceeded' });
  expect(await world.admin.settled(requestIdOf(response))).toMatchObject({
    status: 'released',
    credits_charged: '0.000000',
  });
});

it('a wallet that cannot pay for the larger model gets the refusal, and keeps what it has', async () => {
  // 1000 output tokens: 0.9 credits at the small model, 1.8 at the large one, 1.2 in the wallet.
  const body = prompt('auto', { tier: 'economy', max_tokens: 1_000 });
  const response = await chat(world.url, body, { key: key.key });
  expect(await errorOf(response)).toMatchObject({ status: 400, code: 'context_length_exceeded' });
  expect(await world.admin.settled(requestIdOf(response))).toMatchObject({ status: 'released' });
  expect(await world.admin.wallet(key.accountId, 'economy')).toMatchObject({
    available: '1.200000',
    frozen: '0.000000',
  });
});

it('leaves books that balance', async () => {
  expect(await world.admin.get('/ledger/verify')).toMatchObject({ ok: true, differences: [] });
});
