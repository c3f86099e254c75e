import { createHash } from 'node:crypto';
import { chat, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { textOf } from '../support/upstream/answer.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Answers that do not stream: what they carry and what they cost. */
const A_NUMBER: unknown = expect.any(Number);
const A_STRING: unknown = expect.any(String);
const AN_AMOUNT: unknown = expect.stringMatching(/^\d+\.\d{6}$/);
const A_GATEWAY_ID: unknown = expect.stringMatching(/^gwr_/);
const A_JSON_TYPE: unknown = expect.stringMatching(/^application\/json/);

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key({ credits: { standard: '10000000' } });
});
afterAll(() => world.destroy());

async function answerOf(
  behaviour: string,
  more: Record<string, unknown> = {},
): Promise<{ response: Response; body: Completion; requestId: string }> {
  const { key: model } = await world.model({ behaviours: [behaviour] });
  const response = await chat(world.url, prompt(model, more), { key: key.key });
  expect(response.status).toBe(200);
  return { response, body: (await response.json()) as Completion, requestId: requestIdOf(response) };
}

describe('an answer', () => {
  it('is the body of the provider, with metadata and four headers', async () => {
    const model = await world.model({ behaviours: ['ok-n20-p10'] });
    const response = await chat(world.url, prompt(model.key), { key: key.key, headers: { 'x-request-id': 'label-1' } });
    const body = (await response.json()) as Completion;
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': A_JSON_TYPE,
      'x-daoe-used-model': model.key,
      'x-daoe-used-provider': model.providers[0],
      'x-request-id': 'label-1',
      'x-daoe-request-id': A_GATEWAY_ID,
    });
    expect(response.headers.get('x-daoe-failover')).toBeNull();
    expect(body).toMatchObject({
      id: 'chatcmpl-upstream',
      model: 'ok-n20-p10',
      system_fingerprint: 'fp_upstream',
      choices: [{ message: { role: 'assistant', content: textOf(20) }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30, cost: A_NUMBER },
    });
    expect(body.metadata).toEqual({
      request_id: requestIdOf(response),
      client_request_id: 'label-1',
      model: model.key,
      model_id: model.id,
      provider: model.providers[0],
      tier: 'standard',
      routing: {
        requested_model: model.key,
        selected_model: model.key,
        reason: A_STRING,
        candidates: [model.key],
        routing_ms: A_NUMBER,
      },
      billing: {
        credits_used: '0.020000',
        input_tokens: 10,
        output_tokens: 20,
        cached_input_tokens: 0,
        cached_output_tokens: 0,
        usage_source: 'provider',
        frozen: AN_AMOUNT,
        wallet: 'personal',
        receipt: expect.stringMatching(/^rcp_[0-9a-f]{32}$/) as string,
      },
    });
  });

  it.each<[string, string, object]>([
    ['ok-n20-p10', '0.020000', { input_tokens: 10, output_tokens: 20, usage_source: 'provider' }],
    ['cached-tokens-n20', '0.146000', { input_tokens: 600, cached_input_tokens: 400, usage_source: 'provider' }],
    // 7 × 200 + 1 × 900 micro-credits: nothing to round.
    ['ok-n1-p7', '0.002300', { input_tokens: 7, output_tokens: 1 }],
  ])('%s costs %s', async (behaviour, credits, billing) => {
    const { body, requestId } = await answerOf(behaviour);
    expect(body.metadata.billing).toMatchObject({ credits_used: credits, ...billing });
    const usage = await world.admin.settled(requestId);
    expect(usage).toMatchObject({
      status: 'settled',
      credits_used: credits,
      credits_charged: credits,
      shortfall: '0.000000',
      stream: false,
    });
  });

  it('is rounded up to a micro-credit, once', async () => {
    const model = await world.model({
      behaviours: ['ok-n1-p1'],
      fields: { customer_input_mtok: '0.300001', customer_output_mtok: '0.300001' },
    });
    const response = await chat(world.url, prompt(model.key), { key: key.key });
    // 0.600002 micro-credits.
    expect(((await response.json()) as Completion).metadata.billing.credits_used).toBe('0.000001');
  });

  it('without usage is counted by the gateway', async () => {
    const { body, requestId } = await answerOf('usage-absent-n20');
    expect(body.metadata.billing.usage_source).toBe('estimated');
    expect(Math.abs(body.metadata.billing.output_tokens - 20)).toBeLessThanOrEqual(4);
    expect(await world.admin.settled(requestId)).toMatchObject({ status: 'settled', usage_source: 'estimated' });
  });

  it('moves exactly its price out of the wallet, and everything else back', async () => {
    const payer = await world.key({ credits: { standard: '5' } });
    const { key: model } = await world.model({ behaviours: ['ok-n20-p10'] });
    const response = await chat(world.url, prompt(model, { max_tokens: 4000 }), { key: payer.key });
    await world.admin.settled(requestIdOf(response));
    expect(await world.admin.wallet(payer.accountId, 'standard')).toMatchObject({
      available: '4.980000',
      frozen: '0.000000',
    });
  });

  it('of several choices freezes for each of them', async () => {
    const one = await answerOf('ok-n20-p10', { max_tokens: 1000 });
    const four = await answerOf('ok-n20-p10', { max_tokens: 1000, n: 4 });
    const frozen = [one, four].map(({ body }) => Number(body.metadata.billing.frozen));
    expect((frozen[1] ?? 0) / (frozen[0] ?? 1)).toBeGreaterThan(3.9);
  });

  it('freezes for the larger of max_tokens and max_completion_tokens', async () => {
    const large = await answerOf('ok-n20-p10', { max_tokens: 10, max_completion_tokens: 5000 });
    const small = await answerOf('ok-n20-p10', { max_tokens: 10 });
    expect(Number(large.body.metadata.billing.frozen)).toBeGreaterThan(4.5);
    expect(Number(small.body.metadata.billing.frozen)).toBeLessThan(0.05);
  });

  it('that costs more than was frozen takes the rest from the wallet, and is cut where there is no more', async () => {
    const payer = await world.key({ credits: { standard: '0.05' } });
    const { key: model } = await world.model({ behaviours: ['ok-n100-p10'] });
    const response = await chat(world.url, prompt(model, { max_tokens: 1 }), { key: payer.key });
    expect(await world.admin.settled(requestIdOf(response))).toMatchObject({
      output_tokens: 53,
      credits_used: '0.049300',
      credits_charged: '0.049300',
      shortfall: '0.000000',
    });
    // Less than one more token is left.
    expect(await world.admin.wallet(payer.accountId, 'standard')).toMatchObject({ available: '0.000700' });
  });

  it('is paid by the organization that the key bills', async () => {
    const { admin } = world;
    const owner = await world.account({ standard: '5' });
    const organization = await admin.post<{ id: string }>('/accounts', { kind: 'organization', name: unique('org') });
    await admin.topUp(organization.id, 'standard', '5');
    await admin.post(`/accounts/${organization.id}/members`, { account_id: owner });
    const fields = { owner_account_id: owner, billing_account_id: organization.id };
    const member = await world.key({ fields });
    const { key: model } = await world.model({ behaviours: ['ok-n20-p10'] });
    const response = await chat(world.url, prompt(model), { key: member.key });
    expect(((await response.json()) as Completion).metadata.billing.wallet).toBe('organization');
    await admin.settled(requestIdOf(response));
    expect(await admin.wallet(organization.id, 'standard')).toMatchObject({ available: '4.980000' });
    expect(await admin.wallet(owner, 'standard')).toMatchObject({ available: '5.000000' });
  });
});

describe('what passes through', () => {
  it('tool calls and reasoning', async () => {
    const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object' } } }];
    const { body } = await answerOf('tools-parallel', { tools });
    expect(body.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ id: 'call_1' }, { id: 'call_2' }] },
    });
    expect((await answerOf('reasoning-n3')).body.choices[0]?.message.reasoning_content).toBe('Let me think.');
  });

  it('images, byte for byte', async () => {
    const url = `data:image/png;base64,${Buffer.alloc(300_000, 'pixel').toString('base64')}`;
    const content = [
      { type: 'text', text: 'what is it' },
      { type: 'image_url', image_url: { url, detail: 'high' } },
      { type: 'image_url', image_url: { url: 'https://example.com/cat.png?x=1&y=ü' } },
    ];
    const { body } = await answerOf('vision', { messages: [{ role: 'user', content }] });
    const seen = JSON.parse(body.choices[0]?.message.content ?? '') as { images: { sha256: string }[] };
    const sha256 = createHash('sha256').update(url).digest('hex');
    expect(seen.images).toEqual([expect.objectContaining({ sha256, chars: url.length }), expect.anything()]);
  });

  it('a large answer', async () => {
    const { body } = await answerOf('huge-m8', { max_tokens: 100_000 });
    expect(body.choices[0]?.message.content).toHaveLength(8 * 1024 * 1024);
  });
});
