import { promised } from '../../../test/support/poll.js';
import { cleanMessage, readCallerFault } from './caller-fault.js';

describe('readCallerFault', () => {
  it.each<[string, unknown, unknown]>([
    [
      'OpenAI',
      {
        error: {
          message: 'Bad value',
          type: 'invalid_request_error',
          code: 'invalid_value',
          param: 'messages[0].role',
        },
      },
      { message: 'Bad value', code: 'invalid_value', param: 'messages[0].role' },
    ],
    ['a plain error', { error: 'Bad value' }, { message: 'Bad value', code: null, param: null }],
    ['vLLM', { object: 'error', message: 'Bad value', code: 400 }, { message: 'Bad value', code: null, param: null }],
    [
      'FastAPI',
      { detail: [{ loc: ['body'], msg: 'field required' }] },
      { message: 'field required', code: null, param: null },
    ],
    [
      'Mistral',
      {
        object: 'error',
        message: {
          detail: [
            { type: 'extra_forbidden', loc: ['body', 'seed'], msg: 'Extra inputs are not permitted', input: 1 },
            {
              type: 'extra_forbidden',
              loc: ['body', 'messages', 0, 'user', 'name'],
              msg: 'Extra inputs are not permitted',
            },
          ],
        },
        type: 'invalid_request_error',
        code: null,
      },
      {
        message: 'seed: Extra inputs are not permitted; messages.0.user.name: Extra inputs are not permitted',
        code: null,
        param: 'seed',
      },
    ],
    [
      'Google, in a list',
      [{ error: { code: 400, message: 'Bad value', status: 'INVALID_ARGUMENT' } }],
      { message: 'Bad value', code: null, param: null },
    ],
    ['FastAPI, short', { detail: 'Bad value' }, { message: 'Bad value', code: null, param: null }],
  ])('reads the error of %s', (_name, body, expected) => {
    expect(readCallerFault(JSON.stringify(body))).toEqual(expected);
  });

  it.each(['', 'not json', '[]', '{}', '{"error":{}}', '{"error":{"message":7}}', '<html>'])(
    'has a sentence for a body that explains nothing: %j',
    (body) => {
      expect(readCallerFault(body)).toEqual({ message: 'the provider refused this request', code: null, param: null });
    },
  );

  it('passes no code or param on that could carry a secret', () => {
    const error = { message: 'x', code: 'sk-live-1234567890', param: 'https://internal.example/a b' };
    expect(readCallerFault(JSON.stringify({ error }))).toMatchObject({ code: null, param: null });
  });
});

describe('cleanMessage', () => {
  it.each([
    'see https://user:pw@internal.corp:8443/v1/x?key=abc for more',
    'Incorrect API key provided: sk-proj-********************abcd',
    'Bearer abcdef123456 is not valid',
    'Authorization: Basic dXNlcjpwYXNz rejected',
    'connect to 10.1.2.3:8080 failed',
    'upstream fe80::1ff:fe23:4567:890a refused',
    'host [2001:db8::1]:443 refused',
    'engine-7.svc.cluster.local timed out',
    'db.acme-prod.internal:5432 is down',
    'localhost:11434 has no such model',
    'vllm-worker:8000 rejected it',
    'token eyJhbGciOiJIUzI1NiJ9abc.eyJzdWIiOiIxMjM0NTY3ODkwIn0xyz.abc',
    'key 5f4dcc3b5aa765d61d8327deb882cf99 is disabled',
    'AKIAIOSFODNN7EXAMPLEAKIAIOSFODNN7EXAMPLE is disabled',
    'Incorrect API key provided: na***ys. You can obtain one.',
    'Incorrect API key provided: sk-12…ab.',
    'Incorrect API key provided: xai-…',
    'API key sk***gA is not known',
    'the key gs...tF is not known',
    'Invalid API key: SHORT_secret',
  ])('leaves nothing private in %j', (text) => {
    const cleaned = cleanMessage(text);
    expect(cleaned).toContain('[removed]');
    expect(cleaned).not.toMatch(
      /:\/\/|sk-|na\*|…ab|xai|gA|tF|SHORT|abcdef123456|dXNl|\d{1,3}\.\d{1,3}\.|fe80|2001:|cluster|internal|localhost|:8000|eyJ|5f4d|AKIA/,
    );
  });

  it.each([
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.",
    "Invalid type for 'messages[0].content': expected a string, but got null instead.",
    'max_tokens is too large: 999999. This model supports at most 16384 completion tokens.',
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.",
    "Missing required parameter: 'tools[0].function.name'.",
    'Invalid schema for response_format: additionalProperties is required to be false.',
  ])('leaves an ordinary explanation alone: %j', (text) => {
    expect(cleanMessage(text)).toBe(text);
  });

  it('is bounded, in length and in time', () => {
    const startedMs = performance.now();
    expect(cleanMessage('a.'.repeat(500_000)).length).toBeLessThan(600);
    expect(cleanMessage(`${'a'.repeat(1900)}://`).length).toBeLessThan(600);
    expect(performance.now() - startedMs).toBeLessThan(promised(500));
  });
});
