import type { ServerResponse } from 'node:http';
import { pollUntil } from '../../../../test/support/poll.js';
import { HI, vendorBench } from '../../../../test/support/vendor-bench.js';
import {
  adapterCall,
  messageOf,
  readAll,
  sendEvents,
  sendJson,
  type Json,
} from '../../../../test/support/vendor-wire.js';
import { AnthropicAdapter } from './anthropic.adapter.js';
import { errorBody, textAnswer, textStream } from './anthropic.fixtures.js';

const bench = vendorBench((pools, clock) => new AnthropicAdapter(pools, clock), {
  model: 'claude-sonnet-4-5',
  path: '/v1',
  plain: textAnswer('Hello.'),
});

describe('a failure of Anthropic', () => {
  it.each([
    [
      400,
      'invalid_request_error',
      'max_tokens: too large',
      { failure: 'caller_fault', callerFault: { code: 'invalid_request_error', message: 'max_tokens: too large' } },
    ],
    [
      400,
      'invalid_request_error',
      'prompt is too long: 210000 tokens > 200000 maximum',
      { failure: 'caller_fault', callerFault: { code: 'context_length_exceeded' } },
    ],
    [
      400,
      'invalid_request_error',
      'Your credit balance is too low to access the Anthropic API.',
      { failure: 'operator_fault', callerFault: null },
    ],
    [
      413,
      'request_too_large',
      'Request exceeds the maximum size',
      { failure: 'caller_fault', callerFault: { code: 'request_too_large' } },
    ],
    [401, 'authentication_error', 'invalid x-api-key', { failure: 'operator_fault' }],
    [404, 'not_found_error', 'model: claude-9', { failure: 'operator_fault' }],
    [429, 'rate_limit_error', 'slow down', { failure: 'rate_limited', retryAfterS: 7 }],
    [500, 'api_error', 'oops', { failure: 'endpoint_fault', retrySame: true }],
    [529, 'overloaded_error', 'Overloaded', { failure: 'endpoint_fault', retrySame: false }],
  ])('%i %s is classified, for both kinds of answer', async (status, type, message, expected) => {
    bench.wire.answer = sendJson(errorBody(type, message), status, { 'retry-after': '7' });
    await expect(bench.answerOf()).rejects.toMatchObject({ status, ...expected });
    await expect(bench.adapter.stream(bench.callOf(HI))).rejects.toMatchObject({ status, ...expected });
  });

  it('keeps addresses and keys of an error to itself', async () => {
    const words = 'image https://10.0.0.7/x with sk-ant-api03-abcdef could not be read';
    bench.wire.answer = sendJson(errorBody('invalid_request_error', words), 400);
    const error = await bench.answerOf().catch((caught: unknown) => caught as { callerFault: { message: string } });
    expect(JSON.stringify(error)).not.toMatch(/10\.0\.0\.7|sk-ant/);
  });

  it('before the first event and after some text is one of its own class', async () => {
    const overloaded = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } };
    bench.wire.answer = sendEvents([overloaded]);
    await expect(bench.adapter.stream(bench.callOf(HI))).rejects.toMatchObject({ failure: 'endpoint_fault' });
    bench.wire.answer = sendEvents([{ type: 'error', error: { type: 'rate_limit_error', message: 'slow' } }]);
    await expect(bench.adapter.stream(bench.callOf(HI))).rejects.toMatchObject({ failure: 'rate_limited' });
    bench.wire.answer = sendEvents([...textStream(['A']).slice(0, 3), overloaded]);
    const source = await bench.adapter.stream(bench.callOf(HI));
    await expect(readAll(source)).rejects.toMatchObject({ failure: 'endpoint_fault', reason: 'error_in_stream' });
  });

  it.each([
    ['a connection that breaks', (r: ServerResponse) => setImmediate(() => r.destroy())],
    ['a line that is not JSON', (r: ServerResponse) => r.end('data: {"type":"content_blo\n\n')],
  ])('%s after some text ends the stream with a fault, never as if it were whole', async (_what, end) => {
    bench.wire.answer = sendEvents(textStream(['A', 'B']).slice(0, 3), end);
    const source = await bench.adapter.stream(bench.callOf(HI));
    const seen: string[] = [];
    await expect(readAll(source, seen)).rejects.toMatchObject({ failure: 'endpoint_fault' });
    expect(seen.join('')).toContain('"A"');
    expect(source.hasEndMarker).toBe(false);
  });

  it('an event that is not JSON is left out when the stream goes on to its end', async () => {
    const [first, second, third, ...rest] = textStream(['A', 'B']);
    const more = rest.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('');
    bench.wire.answer = sendEvents([first, second, third] as Json[], (r) => r.end(`data: {"type":"cont\n\n${more}`));
    const source = await bench.adapter.stream(bench.callOf(HI));
    const chunks = await readAll(source);
    expect(messageOf(chunks)).toMatchObject({ content: 'AB' });
    expect([source.hasEndMarker, source.lostEvents]).toEqual([true, 1]);
  });

  it('a whole message for a stream is read', async () => {
    const content = [
      { type: 'text', text: 'Hi' },
      { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
    ];
    bench.wire.answer = sendJson({ ...textAnswer('Hi'), content, stop_reason: 'tool_use' });
    const { refusal: _refusal, ...message } = (await bench.answerOf()).message;
    expect(messageOf(await readAll(await bench.adapter.stream(bench.callOf(HI))))).toEqual(message);
  });

  it('a stream that has said why it ended is whole, also when its end mark is missing or lost', async () => {
    for (const end of [
      (r: ServerResponse) => void r.end(),
      (r: ServerResponse) => void setImmediate(() => r.destroy()),
    ]) {
      bench.wire.answer = sendEvents(textStream(['A', 'B']).slice(0, -1), end);
      const source = await bench.adapter.stream(bench.callOf(HI));
      const chunks = await readAll(source);
      expect(source.hasEndMarker).toBe(true);
      expect(chunks.at(-2)).toMatchObject({ choices: [{ finish_reason: 'stop' }] });
    }
  });

  it('an end without the vendor’s own end mark is no end', async () => {
    bench.wire.answer = sendEvents(textStream(['A', 'B']).slice(0, 4));
    const source = await bench.adapter.stream(bench.callOf(HI));
    await readAll(source);
    expect(source.hasEndMarker).toBe(false);
  });

  it.each([
    ['not JSON', '{"id":"msg'],
    ['no answer', '{"type":"message","hello":1}'],
  ])('a body that is %s is one', async (_what, text) => {
    bench.wire.answer = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    await expect(bench.answerOf()).rejects.toMatchObject({ failure: 'endpoint_fault', reason: 'broken_json' });
  });

  it('silence after the headers is a time-out of the first event', async () => {
    bench.wire.answer = sendEvents([], () => undefined);
    const call = adapterCall(`${bench.wire.url}/v1`, HI, { timeouts: { firstEventMs: 30 } });
    await expect(bench.adapter.stream(call).then((source) => readAll(source))).rejects.toMatchObject({
      failure: 'timeout',
      reason: 'timeout_first_event',
    });
  });

  it('the caller’s leaving cancels the upstream, before the first event and after it', async () => {
    for (const [count, events] of [[], textStream(['A']).slice(0, 3)].entries()) {
      bench.wire.answer = sendEvents(events, () => undefined);
      const call = bench.callOf(HI);
      const reading = bench.adapter.stream(call).then((source) => readAll(source));
      await pollUntil(() => Promise.resolve(bench.wire.seen.length > count || null), 'the request');
      call.watch.cancel(new Error('gone'));
      await expect(reading).rejects.toThrow('gone');
      await pollUntil(() => Promise.resolve(bench.wire.hangUps > count || null), 'the hang-up');
    }
  });
});

describe('the probe', () => {
  it('counts the models that the key may use', async () => {
    bench.wire.answer = sendJson({ data: [{ id: 'claude-a' }, { id: 'claude-b' }], has_more: false });
    const { watch } = bench.callOf(HI);
    const result = await bench.adapter.probe({ baseUrl: `${bench.wire.url}/v1`, apiKey: 'sk-x', watch });
    expect(result).toEqual({ status: 200, models: 2 });
    expect(bench.wire.seen[0]).toMatchObject({
      method: 'GET',
      path: '/v1/models?limit=1000',
      headers: { 'x-api-key': 'sk-x' },
    });
  });
});
