import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { chat, chatStream, prompt, readUntil, requestIdOf, type StreamedAnswer } from '../support/chat.js';
import { type GatewayProcess } from '../support/gateway.js';
import { pollUntil, promised } from '../support/poll.js';
import { nowMs } from '../support/upstream/calls.js';
import { textOf } from '../support/upstream/answer.js';
import { unique, World, type ModelOptions, type TestKey } from '../support/world.js';

/** Streams that end early: the caller leaves, the provider breaks, another endpoint continues; and who pays what. */
const CANCEL_WITHIN_MS = 100;

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

/** Starts a stream, reads until a text and leaves. */
async function leaveAfter(
  needle: string,
  model: ModelOptions,
): Promise<{ requestId: string; marker: string; leftAtMs: number }> {
  const marker = unique('leaver');
  const { key: modelKey } = await world.model(model);
  const leaving = new AbortController();
  const body = prompt(modelKey, { stream: true, user: marker });
  const response = await chat(world.url, body, { key: key.key, signal: leaving.signal });
  await readUntil(response, needle);
  const leftAtMs = nowMs();
  leaving.abort();
  return { requestId: requestIdOf(response), marker, leftAtMs };
}

async function streamOver(
  behaviours: string[],
  options: { url?: string; body?: Record<string, unknown>; endpoint?: Record<string, unknown> } = {},
): Promise<StreamedAnswer & { providers: string[]; model: string }> {
  const model = await world.model({
    behaviours,
    stallMs: 600,
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
  });
  const ask = (url: string): Promise<StreamedAnswer> =>
    chatStream(url, prompt(model.key, options.body), { key: key.key });
  const { url } = options;
  const answer =
    url === undefined
      ? await ask(world.url)
      : await pollUntil(() => served(ask(url)), 'the other process to know the model');
  return { ...answer, providers: model.providers, model: model.key };
}

/** Another process knows a new model within a second, not at once; until then it refuses. */
async function served(asked: Promise<StreamedAnswer>): Promise<StreamedAnswer | null> {
  const answer = await asked;
  return answer.response.status === 200 ? answer : null;
}

describe('a caller that leaves', () => {
  it('ends the call at the provider within 100 ms', async () => {
    const { marker, leftAtMs } = await leaveAfter(' fox', { behaviours: ['stall-a4'] });
    const call = await world.upstream.callWhen(marker, ({ hungUpAtMs }) => hungUpAtMs !== null);
    expect((call.hungUpAtMs ?? Infinity) - leftAtMs).toBeLessThan(promised(CANCEL_WITHIN_MS));
  });

  it('before the first content costs nothing', async () => {
    const marker = unique('early');
    const { key: model } = await world.model({ behaviours: ['held-a0'] });
    const leaving = new AbortController();
    const answer = chat(world.url, prompt(model, { stream: true, user: marker }), {
      key: key.key,
      headers: { 'x-request-id': marker },
      signal: leaving.signal,
    });
    await world.upstream.callWhen(marker, () => true);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await world.upstream.callWhen(marker, ({ hungUpAtMs }) => hungUpAtMs !== null);
    const { request_id } = await world.admin.trace(marker);
    expect(await world.admin.settled(request_id)).toMatchObject({ status: 'released', credits_charged: '0.000000' });
  });

  it('pays for what was delivered, as the gateway counts it', async () => {
    const { requestId } = await leaveAfter(' jumps', { behaviours: ['stall-a5-n200'] });
    const usage = await world.admin.settled(requestId);
    expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated' });
    expect(usage.output_tokens).toBeGreaterThanOrEqual(4);
    expect(usage.output_tokens).toBeLessThanOrEqual(7);
    expect(Number(usage.credits_charged)).toBeGreaterThan(0);
  });

  it('pays exactly where the provider is read to the end', async () => {
    const upstreamModel = unique('gate');
    await world.upstream.setBehaviour(upstreamModel, 'held-a5-n30-p10');
    const model = { behaviours: [upstreamModel], provider: { hangup_billing: 'drain' } };
    const { requestId, marker } = await leaveAfter(' fox', model);
    await world.upstream.setBehaviour(upstreamModel, 'ok');
    const usage = await world.admin.settled(requestId);
    expect(usage).toMatchObject({
      status: 'settled',
      usage_source: 'provider',
      input_tokens: 10,
      output_tokens: 30,
      credits_charged: '0.029000',
    });
    await world.upstream.callWhen(marker, ({ endedAtMs, hungUpAtMs }) => endedAtMs !== null && hungUpAtMs === null);
  });

  it('pays nothing where leaving is free, and the provider is cancelled', async () => {
    const model = { behaviours: ['stall-a5'], provider: { hangup_billing: 'free' } };
    const { requestId, marker } = await leaveAfter(' fox', model);
    expect(await world.admin.settled(requestId)).toMatchObject({ status: 'released', credits_charged: '0.000000' });
    await world.upstream.callWhen(marker, ({ hungUpAtMs }) => hungUpAtMs !== null);
  });

  it('does not count against the endpoint', async () => {
    const { key: model } = await world.model({ behaviours: ['slow-tokens-d20-n40'] });
    for (let time = 0; time < 12; time += 1) {
      const leaving = new AbortController();
      const response = await chat(world.url, prompt(model, { stream: true }), { key: key.key, signal: leaving.signal });
      expect(response.status).toBe(200);
      leaving.abort();
    }
    expect((await chat(world.url, prompt(model), { key: key.key })).status).toBe(200);
  });

  it('of a call that does not stream cancels it', async () => {
    const marker = unique('plain-leaver');
    const { key: model } = await world.model({ behaviours: ['stall-headers'] });
    const leaving = new AbortController();
    const body = prompt(model, { user: marker });
    const answer = chat(world.url, body, { key: key.key, headers: { 'x-request-id': marker }, signal: leaving.signal });
    await world.upstream.callWhen(marker, () => true);
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await world.upstream.callWhen(marker, ({ hungUpAtMs }) => hungUpAtMs !== null);
    const { request_id } = await world.admin.trace(marker);
    expect(await world.admin.settled(request_id)).toMatchObject({ status: 'released' });
  });
});

describe('a provider that breaks after the first content', () => {
  it.each(['cut-a5', 'eof-a5', 'stall-a5', 'broken-chunk-a5', 'error-in-stream-a5'])(
    '%s ends with an error and without [DONE]; what was delivered is paid',
    async (behaviour) => {
      const answer = await streamOver([behaviour]);
      expect(answer.response.status).toBe(200);
      expect(answer.text).toBe(textOf(5));
      expect(answer.error).toMatchObject({ type: 'upstream_error', request_id: requestIdOf(answer.response) });
      expect(JSON.stringify(answer.error)).not.toMatch(/10\.1\.2\.3|127\.0\.0\.1|http:/);
      expect(answer.done).toBe(false);
      const usage = await world.admin.settled(requestIdOf(answer.response));
      expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated' });
      expect(Math.abs(usage.output_tokens - 5)).toBeLessThanOrEqual(1);
    },
  );

  it('is continued by another endpoint from the delivered text, by prefill', async () => {
    const marker = unique('rescue');
    const answer = await streamOver(['cut-a5-n20', 'prefill-n20'], {
      body: { user: marker },
      endpoint: { supports_prefill: true },
    });
    expect(answer.text).toBe(textOf(20));
    expect(answer.done).toBe(true);
    expect(answer.error).toBeUndefined();
    const rescued = { from: answer.providers[0], to: answer.providers[1], after_chars: textOf(5).length };
    expect(answer.metadata?.routing.rescued).toEqual(rescued);
    const second = await world.upstream.callWhen(marker, ({ model }) => model === 'prefill-n20');
    const { messages } = JSON.parse(second.body) as { messages: unknown[] };
    expect(messages.at(-1)).toMatchObject({ role: 'assistant', content: textOf(5) });
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage.status).toBe('settled');
    expect(Math.abs(usage.output_tokens - 20)).toBeLessThanOrEqual(4);
    expect(usage.input_tokens).toBeLessThan(30);
  });

  it('is continued by a fresh answer that begins with exactly the delivered text', async () => {
    const answer = await streamOver(['cut-a5-n20', 'ok-n20']);
    expect(answer.text).toBe(textOf(20));
    expect(answer.done).toBe(true);
    expect(answer.metadata?.routing.rescued).toMatchObject({ after_chars: textOf(5).length });
  });

  it('is not continued by an answer that says something else', async () => {
    const answer = await streamOver(['cut-a5-n20', 'other-n20']);
    expect(answer.text).toBe(textOf(5));
    expect(answer.error).toMatchObject({ type: 'upstream_error' });
    expect(answer.done).toBe(false);
  });

  it('is not continued when the answer has a JSON schema', async () => {
    const response_format = { type: 'json_schema', json_schema: { name: 's', schema: { type: 'object' } } };
    const answer = await streamOver(['cut-a5-n20', 'ok-n20'], { body: { response_format } });
    expect(answer.error).toMatchObject({ type: 'upstream_error' });
    expect(answer.done).toBe(false);
  });
});

describe('with other settings', () => {
  let other: GatewayProcess;
  beforeAll(async () => {
    other = await world.startAnother({ STREAM_RESCUE: 'off', INCOMPLETE_STREAM_BILLING: 'release' });
  });
  afterAll(() => other.stop());

  it('a broken stream is not rescued and costs nothing', async () => {
    const answer = await streamOver(['cut-a5-n20', 'ok-n20'], { url: other.url });
    expect(answer.done).toBe(false);
    expect(answer.error).toBeDefined();
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ status: 'released', credits_charged: '0.000000' });
  });

  it('a whole stream without usage costs nothing', async () => {
    const answer = await streamOver(['usage-absent'], { url: other.url });
    expect(answer.done).toBe(true);
    expect(await world.admin.settled(requestIdOf(answer.response))).toMatchObject({ credits_charged: '0.000000' });
  });

  it('a stream that the gateway stopped because the wallet was dry costs what was delivered', async () => {
    const poor = await world.key({ credits: { standard: '0.1' } });
    const { key: model } = await world.model({ behaviours: ['slow-tokens-n1000-p10-d1'] });
    await world.caughtUp(other);
    const answer = await chatStream(other.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key });
    expect(answer.metadata?.billing).toMatchObject({ stopped_by: 'insufficient_quota', usage_source: 'estimated' });
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated', shortfall: '0.000000' });
    expect(usage.output_tokens).toBe(countTokens(answer.text));
    expect(usage.credits_charged).toBe(answer.metadata?.billing.credits_used);
  });
});
