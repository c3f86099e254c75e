import { UpstreamFailure } from '../domain/failure.js';
import { ChunkReader } from './chunk-reader.js';

function read(reader: ChunkReader, payload: unknown, event = 'message') {
  return reader.read(typeof payload === 'string' ? payload : JSON.stringify(payload), event);
}

const choice = (delta: unknown, more: object = {}) => ({
  choices: [{ index: 0, delta, finish_reason: null, ...more }],
});

describe('the end of a stream, and what is none', () => {
  it('says why an answer ended when the vendor did not, of each choice that had begun', () => {
    const reader = new ChunkReader(2);
    read(reader, { id: 'c', model: 'm', ...choice({ content: 'a' }, { index: 1 }) });
    read(reader, choice({}, { finish_reason: 'length' }));
    read(reader, { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } });
    expect(JSON.parse(reader.closing()?.data ?? '')).toMatchObject({
      id: 'c',
      model: 'm',
      choices: [{ index: 1, delta: {}, finish_reason: 'stop' }],
    });
    expect(reader.closing()).toBeNull();
  });

  it('says nothing of the end of an answer that never began', () => {
    const reader = new ChunkReader();
    read(reader, choice({ role: 'assistant', content: '' }));
    expect(reader.closing()).toBeNull();
  });

  it('invents no reason where nothing proves that the answer is whole', () => {
    const reader = new ChunkReader();
    read(reader, { ...choice({ content: 'a' }), usage: { prompt_tokens: 1, completion_tokens: 1 } });
    read(reader, choice({ content: 'b' }));
    expect(() => reader.closing()).toThrow('no_finish');
  });

  it.each([
    ['insufficient_system_resource', 'a', 'model_fault'],
    ['insufficient_system_resource', '', 'model_fault'],
    ['abort', 'a', 'model_fault'],
    ['weird', '', 'unknown_finish'],
  ])('takes the end %j after %j for a failure', (finish_reason, content, reason) => {
    expect(() => read(new ChunkReader(), choice({ content }, { finish_reason }))).toThrow(reason);
  });

  it.each([
    ['weird', 'a'],
    ['stop', ''],
    ['content_filter', ''],
    ['MAX_TOKENS', ''],
  ])('takes the end %j after %j for one', (finish_reason, content) => {
    expect(read(new ChunkReader(), choice({ content }, { finish_reason })).isFinish).toBe(true);
  });

  it.each(['', '{', '[]', '"text"', 'null', '{"choices":[{"delta":{"content":"cut'])(
    'takes %j for a broken stream',
    (payload) => {
      expect(() => read(new ChunkReader(), payload)).toThrow(UpstreamFailure);
    },
  );

  it.each([
    [{ error: { message: 'x', code: 429 } }, 'rate_limited'],
    [{ error: { type: 'rate_limit_error' } }, 'rate_limited'],
    [{ error: { message: 'x', type: 'server_error' } }, 'endpoint_fault'],
    [{ error: 'x' }, 'endpoint_fault'],
    [{ error: { message: 'prompt is too long: 9 tokens > 8 maximum' } }, 'caller_fault'],
    [{ object: 'error', message: 'x', code: 500 }, 'endpoint_fault'],
    [{ base_resp: { status_code: 1002, status_msg: 'rate limit' }, choices: null }, 'rate_limited'],
    [{ ...choice({ content: 'a' }), base_resp: { status_code: 1008, status_msg: 'no money' } }, 'operator_fault'],
    [{ base_resp: { status_code: 1000, status_msg: 'unknown error' } }, 'endpoint_fault'],
    [{ code: 500, message: 'x' }, 'endpoint_fault'],
    [{ code: 'Throttling', message: 'x', request_id: 'r' }, 'rate_limited'],
    [{ detail: 'x' }, 'endpoint_fault'],
    [{ message: 'x' }, 'endpoint_fault'],
    [{ success: false, msg: 'x' }, 'endpoint_fault'],
    [{ errors: ['x'] }, 'endpoint_fault'],
    [{ type: 'error', error: { type: 'overloaded_error' } }, 'endpoint_fault'],
    [{ error: { code: 'invalid_api_key', message: 'x' } }, 'operator_fault'],
    [choice({ content: '' }, { finish_reason: 'error' }), 'endpoint_fault'],
    [choice({}, { error: { code: 429, message: 'x' } }), 'rate_limited'],
  ])('takes an error inside the stream for its end: %j', (payload, failure) => {
    expect(() => read(new ChunkReader(), payload)).toThrow(expect.objectContaining({ failure }) as Error);
  });

  it('takes an event named error for the end, whatever it carries', () => {
    expect(() => read(new ChunkReader(), { message: 'overloaded' }, 'error')).toThrow('error_in_stream');
  });

  it.each([
    { error: null },
    { error: {} },
    { error: '' },
    { error: false },
    { base_resp: { status_code: 0, status_msg: '' } },
    { code: 200, message: 'success' },
  ])('does not take %j beside content for an error', (more) => {
    expect(read(new ChunkReader(), { ...choice({ content: 'a' }), ...more }).outputChars).toBe(1);
  });

  it.each([{ type: 'ping' }, { code: 200, msg: 'success', data: {} }, { id: 'x' }])(
    'does not take %j for an error',
    (payload) => {
      expect(read(new ChunkReader(), payload).isContent).toBe(false);
    },
  );

  it('is finished when every choice that was asked for has finished', () => {
    const reader = new ChunkReader(2);
    read(reader, { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    expect(reader.isFinished).toBe(false);
    read(reader, { choices: [{ index: 1, delta: {}, finish_reason: 'stop' }] });
    expect(reader.isFinished).toBe(true);
  });
});
