import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { vendorBench } from '../../../../test/support/vendor-bench.js';
import { AttemptStream } from '../../attempt/attempt-stream.js';
import { mayLoseChunks } from '../../domain/lost-chunks.js';
import { OpenAiAdapter } from './openai.adapter.js';

const COMPLETION = {
  id: 'c',
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hello you.' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
};
const part = (delta: object, finish_reason: string | null = null): string =>
  JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta, finish_reason }] });
const PIECES = [part({ role: 'assistant', content: '' }), part({ content: 'Hello' }), part({ content: ' you.' })];
const USAGE = JSON.stringify({ id: 'c', model: 'm', choices: [], usage: COMPLETION.usage });
const events = (payloads: readonly string[]): string => payloads.map((data) => `data: ${data}\n\n`).join('');
const WHOLE_STREAM = [...PIECES, part({}, 'stop'), USAGE, '[DONE]'];

const bench = vendorBench((pools) => new OpenAiAdapter(pools), { model: 'm', path: '/v1', plain: COMPLETION });
const HI = { messages: [{ role: 'user', content: 'Hi' }] };

function answer(body: string | Buffer, headers: Record<string, string>): void {
  bench.wire.answer = (response) => response.writeHead(200, headers).end(body);
}

/** What a caller would get of a stream. */
async function streamed(body: Record<string, unknown> = HI): Promise<{ text: string; finish: unknown; lost: number }> {
  const call = bench.callOf(body);
  const stream = await AttemptStream.open(await bench.adapter.stream(call), call.watch, 1, mayLoseChunks(call.body));
  let text = '';
  for (let group = await stream.next(); group !== null; group = await stream.next()) {
    for (const { pieces } of group) text += pieces.map((piece) => piece.text).join('');
  }
  return { text, finish: stream.reader.finishReason, lost: stream.lostChunks };
}

const SSE = { 'content-type': 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };
const WHOLE = { text: 'Hello you.', finish: 'stop', lost: 0 };

describe('a stream that can be read', () => {
  it.each<[string, string | Buffer, Record<string, string>]>([
    ['events labelled JSON', events(WHOLE_STREAM), JSON_TYPE],
    ['events without a type', events(WHOLE_STREAM), {}],
    ['a whole answer labelled events', JSON.stringify(COMPLETION), SSE],
    ['a whole answer labelled JSON, after blank lines', `\n\n${JSON.stringify(COMPLETION)}`, JSON_TYPE],
    ['CR', events(WHOLE_STREAM).replaceAll('\n', '\r'), SSE],
    ['a byte order mark', `\ufeff${events(WHOLE_STREAM)}`, SSE],
    ['a byte order mark before JSON', `\ufeff${JSON.stringify(COMPLETION)}`, JSON_TYPE],
    ['gzip', gzipSync(events(WHOLE_STREAM)), { ...SSE, 'content-encoding': 'gzip' }],
    ['gzip without a label', gzipSync(events(WHOLE_STREAM)), SSE],
    ['deflate', deflateSync(events(WHOLE_STREAM)), { ...SSE, 'content-encoding': 'deflate' }],
    ['br', brotliCompressSync(events(WHOLE_STREAM)), { ...SSE, 'content-encoding': 'br' }],
    ['plain labelled gzip', events(WHOLE_STREAM), { ...SSE, 'content-encoding': 'gzip' }],
  ])('is read: %s', async (_name, body, headers) => {
    answer(body, headers);
    expect(await streamed()).toEqual(WHOLE);
  });

  it('is left without an unreadable chunk, and says so', async () => {
    answer(events([...PIECES.slice(0, 2), '{"id":"c","cho', ...WHOLE_STREAM.slice(2)]), SSE);
    expect(await streamed()).toEqual({ ...WHOLE, lost: 1 });
  });
});

describe('a stream that does not come to an end', () => {
  const broken = (more: readonly string[]): readonly string[] => [...PIECES, ...more];
  it.each<[string, readonly string[]]>([
    ['malformed_chunk', broken(['{"cho', '[DONE]'])],
    ['malformed_chunk', broken(['{', '{', '{', '{', part({}, 'stop'), '[DONE]'])],
    ['no_finish', broken(['[DONE]'])],
    ['model_fault', broken([part({}, 'insufficient_system_resource'), '[DONE]'])],
    ['error_in_stream', broken(['{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}', '[DONE]'])],
    ['error_in_stream', broken(['{"code":500,"message":"down"}', '[DONE]'])],
    ['error_in_stream', broken(['{"detail":"down"}', '[DONE]'])],
  ])('is broken: %s', async (reason, payloads) => {
    answer(events(payloads), SSE);
    await expect(streamed()).rejects.toMatchObject({ reason });
  });

  it.each<[string, Record<string, unknown>]>([
    ['tools', { tools: [{ type: 'function', function: { name: 'f' } }] }],
    ['a JSON format', { response_format: { type: 'json_object' } }],
  ])('is broken by an unreadable chunk where a gap would look complete: %s', async (_name, more) => {
    answer(events([...PIECES.slice(0, 2), '{"id":"c","cho', ...WHOLE_STREAM.slice(2)]), SSE);
    await expect(streamed({ ...HI, ...more })).rejects.toMatchObject({ reason: 'malformed_chunk' });
  });
});

describe('a whole answer that can be read', () => {
  it.each<[string, string | Buffer, Record<string, string>]>([
    ['events', events(WHOLE_STREAM), SSE],
    ['events labelled JSON', events(WHOLE_STREAM), JSON_TYPE],
    ['gzip', gzipSync(JSON.stringify(COMPLETION)), { ...JSON_TYPE, 'content-encoding': 'gzip' }],
    ['plain labelled br', JSON.stringify(COMPLETION), { ...JSON_TYPE, 'content-encoding': 'br' }],
    ['a byte order mark', `\ufeff${JSON.stringify(COMPLETION)}`, JSON_TYPE],
  ])('is read: %s', async (_name, body, headers) => {
    answer(body, headers);
    const { message, finish_reason: finish, usage } = await bench.answerOf();
    expect([message['content'], finish, usage]).toEqual(['Hello you.', 'stop', COMPLETION.usage]);
  });

  it('is no larger than any other when it is inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, ' '));
    answer(bomb, { ...JSON_TYPE, 'content-encoding': 'gzip' });
    await expect(bench.answerOf()).rejects.toMatchObject({ reason: 'answer_too_large' });
  });

  it('keeps the words of a compressed refusal', async () => {
    const body = gzipSync(JSON.stringify({ error: { message: 'Invalid model: x', type: 'invalid_model' } }));
    bench.wire.answer = (response) => response.writeHead(400, { ...JSON_TYPE, 'content-encoding': 'gzip' }).end(body);
    await expect(bench.answerOf()).rejects.toMatchObject({ failure: 'operator_fault', subject: 'model' });
  });
});
