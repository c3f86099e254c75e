import type { ServerResponse } from 'node:http';
import { HI, vendorBench } from '../../../../test/support/vendor-bench.js';
import { messageOf, readAll, sendEvents, sendJson, type Json } from '../../../../test/support/vendor-wire.js';
import { GeminiAdapter } from './gemini.adapter.js';
import { BLOCKED, chunk, errorBody, STREAMED, textAnswer, textStream, WHOLE } from './gemini.fixtures.js';

const bench = vendorBench((pools, clock) => new GeminiAdapter(pools, clock), {
  model: 'gemini-3-flash-preview',
  path: '/v1beta',
  plain: textAnswer('Hello.'),
});

describe('an answer of Gemini', () => {
  it('is the same whole and streamed, with thoughts, parallel calls and usage in disjoint buckets', async () => {
    bench.wire.answer = sendJson(WHOLE);
    const whole = await bench.answerOf();
    bench.wire.answer = sendEvents(STREAMED);
    const chunks = await bench.chunksOf();
    const { refusal, ...message } = whole.message;
    expect(refusal).toBeNull();
    expect(messageOf(chunks)).toEqual(message);
    expect(message).toMatchObject({
      role: 'assistant',
      content: 'Let me look — 天气.',
      reasoning_content: 'Two cities, so two calls.',
      tool_calls: [
        { id: 'fc-1', function: { name: 'get_weather', arguments: '{"city":"Paris","unit":"C"}' } },
        { id: 'fc-2', function: { name: 'now', arguments: '{}' } },
      ],
    });
    expect(whole.finish_reason).toBe('tool_calls');
    expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: 'tool_calls' }] });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: whole.usage as object });
    expect(whole.usage).toEqual({
      prompt_tokens: 1625,
      completion_tokens: 89,
      total_tokens: 1714,
      prompt_tokens_details: { cached_tokens: 1200, cache_write_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 12 },
    });
    for (const body of [whole.all, ...chunks]) {
      expect(body).toMatchObject({ id: WHOLE['responseId'], model: WHOLE['modelVersion'] });
    }
  });

  it.each([
    ['STOP', 'stop'],
    ['MAX_TOKENS', 'length'],
    ['SAFETY', 'content_filter'],
    ['RECITATION', 'content_filter'],
    ['PROHIBITED_CONTENT', 'content_filter'],
    ['LANGUAGE', 'content_filter'],
    ['OTHER', 'stop'],
  ])('%s is %s, whole and streamed', async (raw, expected) => {
    bench.wire.answer = sendJson(textAnswer('A', raw));
    expect((await bench.answerOf()).finish_reason).toBe(expected);
    bench.wire.answer = sendEvents(textStream(['A'], raw));
    expect((await bench.chunksOf()).at(-2)).toMatchObject({ choices: [{ finish_reason: expected }] });
  });

  it.each([
    ['no candidate', { candidates: [] }],
    ['an empty one', { candidates: [{ content: { role: 'model', parts: [] }, finishReason: 'STOP' }] }],
    ['one without content', { candidates: [{ index: 0, finishReason: 'OTHER' }] }],
    ['an error', { code: 500, message: 'down' }],
  ])('%s is never success, whole and streamed', async (_what, body) => {
    bench.wire.answer = sendJson(body);
    await expect(bench.answerOf()).rejects.toMatchObject({ failure: 'endpoint_fault' });
    bench.wire.answer = sendEvents([body]);
    const source = await bench.adapter.stream(bench.callOf(HI)).catch(() => null);
    if (source === null) return;
    await readAll(source).catch(() => undefined);
    expect(source.hasEndMarker).toBe(false);
  });

  it('is read where the server sends it whole, or as a list, though a stream was asked for', async () => {
    bench.wire.answer = sendJson(WHOLE);
    const whole = await bench.answerOf();
    const { refusal: _refusal, ...message } = whole.message;
    expect(messageOf(await bench.chunksOf())).toEqual(message);
    bench.wire.answer = sendJson(STREAMED);
    expect(messageOf(await bench.chunksOf())).toEqual(message);
  });

  it('tells why it refuses', async () => {
    bench.wire.answer = sendJson(BLOCKED);
    const whole = await bench.answerOf();
    expect(whole).toMatchObject({ finish_reason: 'content_filter', message: { content: null } });
    expect(whole.message['refusal']).toMatch(/PROHIBITED_CONTENT/);
    bench.wire.answer = sendEvents([BLOCKED]);
    expect(messageOf(await bench.chunksOf())['refusal']).toMatch(/PROHIBITED_CONTENT/);
    bench.wire.answer = sendJson(textAnswer('A', 'SAFETY', { finishMessage: 'Too dangerous.' }));
    expect((await bench.answerOf()).message['refusal']).toBe('Too dangerous.');
  });

  it('brings images as data URLs', async () => {
    const part = { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } };
    const images = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }];
    bench.wire.answer = sendJson(chunk([part], 'STOP'));
    expect((await bench.answerOf()).message).toMatchObject({ images });
    bench.wire.answer = sendEvents([chunk([part], 'STOP')]);
    expect(messageOf(await bench.chunksOf())).toMatchObject({ images });
  });
});

describe('a failure of Gemini', () => {
  const RETRY = [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '33.2s' }];
  const KEY = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }];
  const LONG = 'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).';
  const cases: readonly (readonly [number, string, string, Json[], Json])[] = [
    [400, 'INVALID_ARGUMENT', 'Bad.', [], { failure: 'caller_fault', callerFault: { code: 'INVALID_ARGUMENT' } }],
    [400, 'INVALID_ARGUMENT', LONG, [], { failure: 'caller_fault', callerFault: { code: 'context_length_exceeded' } }],
    [400, 'INVALID_ARGUMENT', 'API key not valid.', KEY, { failure: 'operator_fault', callerFault: null }],
    [400, 'FAILED_PRECONDITION', 'User location is not supported.', [], { failure: 'operator_fault' }],
    [403, 'PERMISSION_DENIED', 'No.', [], { failure: 'operator_fault' }],
    [404, 'NOT_FOUND', 'models/x is not found', [], { failure: 'operator_fault' }],
    [429, 'RESOURCE_EXHAUSTED', 'Quota.', RETRY, { failure: 'rate_limited', retryAfterS: 34 }],
    [429, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.', [], { failure: 'operator_fault' }],
    [500, 'INTERNAL', 'Oops.', [], { failure: 'endpoint_fault', retrySame: true }],
    [503, 'UNAVAILABLE', 'Overloaded.', [], { failure: 'endpoint_fault' }],
  ];
  it.each(cases)('%i %s %s is classified, for both kinds of answer', async (code, status, text, details, expected) => {
    bench.wire.answer = sendJson(errorBody(code, status, text, details), code);
    await expect(bench.answerOf()).rejects.toMatchObject({ status: code, ...expected });
    await expect(bench.adapter.stream(bench.callOf(HI))).rejects.toMatchObject({ status: code, ...expected });
  });

  it('in the middle of a stream is one of its own class', async () => {
    for (const [code, status, failure] of [
      [503, 'UNAVAILABLE', 'endpoint_fault'],
      [429, 'RESOURCE_EXHAUSTED', 'rate_limited'],
    ] as const) {
      bench.wire.answer = sendEvents([chunk([{ text: 'A' }]), errorBody(code, status, 'Busy.')]);
      await expect(readAll(await bench.adapter.stream(bench.callOf(HI)))).rejects.toMatchObject({ failure });
    }
  });

  it.each(['MALFORMED_FUNCTION_CALL', 'UNEXPECTED_TOOL_CALL'])('%s is one of the endpoint', async (raw) => {
    bench.wire.answer = sendJson(textAnswer('', raw));
    await expect(bench.answerOf()).rejects.toMatchObject({ failure: 'endpoint_fault' });
    bench.wire.answer = sendEvents(textStream([], raw));
    await expect(bench.chunksOf()).rejects.toMatchObject({ failure: 'endpoint_fault' });
  });

  it.each([
    ['a connection that breaks', (response: ServerResponse) => void setImmediate(() => response.destroy())],
    ['a line that is not JSON', (response: ServerResponse) => void response.end('data: {"candidates":[\n\n')],
  ])('%s after some text ends the stream with a fault, never as if it were whole', async (_what, end) => {
    bench.wire.answer = sendEvents([chunk([{ text: 'A' }])], end);
    const source = await bench.adapter.stream(bench.callOf(HI));
    await expect(readAll(source)).rejects.toMatchObject({ failure: 'endpoint_fault' });
    expect(source.hasEndMarker).toBe(false);
  });

  it('an end without a finish reason is no end', async () => {
    bench.wire.answer = sendEvents([chunk([{ text: 'A' }])]);
    const source = await bench.adapter.stream(bench.callOf(HI));
    const chunks = await readAll(source);
    expect(source.hasEndMarker).toBe(false);
    expect(JSON.stringify(chunks)).not.toContain('"finish_reason":"');
  });
});

describe('the probe', () => {
  it('counts the models that the key may use', async () => {
    bench.wire.answer = sendJson({ models: [{ name: 'models/a' }, { name: 'models/b' }] });
    const { watch } = bench.callOf(HI);
    const result = await bench.adapter.probe({ baseUrl: `${bench.wire.url}/v1beta`, apiKey: 'k', watch });
    expect(result).toEqual({ status: 200, models: 2 });
    expect(bench.wire.seen[0]).toMatchObject({
      path: '/v1beta/models?pageSize=1000',
      headers: { 'x-goog-api-key': 'k' },
    });
  });

  it('says that a key is wrong', async () => {
    bench.wire.answer = sendJson(
      errorBody(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.'),
      400,
    );
    const { watch } = bench.callOf(HI);
    const probing = bench.adapter.probe({ baseUrl: `${bench.wire.url}/v1beta`, apiKey: 'k', watch });
    await expect(probing).rejects.toMatchObject({ failure: 'operator_fault', reason: 'http_400' });
  });
});
