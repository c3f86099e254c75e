import { readCallerFault } from './caller-fault.js';
import { UpstreamFailure } from './failure.js';

const refusal = (body: unknown): UpstreamFailure =>
  new UpstreamFailure('caller_fault', 'http_400', { status: 400, callerFault: readCallerFault(JSON.stringify(body)) });

describe('a prompt that is too long', () => {
  it.each([
    [
      'OpenAI',
      {
        error: {
          message:
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens.",
          type: 'invalid_request_error',
          param: 'messages',
          code: 'context_length_exceeded',
        },
      },
    ],
    ['OpenAI by its code alone', { error: { message: 'no', code: 'context_length_exceeded' } }],
    [
      'Anthropic',
      {
        type: 'error',
        error: { type: 'invalid_request_error', message: 'prompt is too long: 213462 tokens > 200000 maximum' },
      },
    ],
    [
      'Gemini',
      {
        error: {
          code: 400,
          message: 'The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).',
          status: 'INVALID_ARGUMENT',
        },
      },
    ],
    [
      'vLLM',
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        type: 'BadRequestError',
        code: 400,
      },
    ],
    [
      'llama.cpp',
      {
        error: {
          code: 400,
          message: 'request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it',
          type: 'exceed_context_size_error',
          n_ctx: 4096,
        },
      },
    ],
    [
      'Mistral',
      { message: 'Prompt contains 40000 tokens, too large for model with 32768 maximum context length', code: '3051' },
    ],
    ['xAI', { error: "This model's maximum prompt length is 131072 but the request contains 537812 tokens." }],
  ])('is known from the words of %s', (_vendor, body) => {
    expect(refusal(body).isContextLength).toBe(true);
  });

  it.each([
    ['another bad field', { error: { message: "Invalid value for 'temperature'", code: 'invalid_value' } }],
    ['a filter', { error: { message: 'Your request was rejected', code: 'content_policy_violation' } }],
    ['an output maximum', { error: { message: 'max_tokens is too large: 99999. This model supports at most 4096' } }],
    ['a long string', { error: { message: 'Invalid type for messages: expected a string' } }],
    ['no JSON', 'nothing'],
  ])('is not seen in %s', (_what, body) => {
    expect(refusal(body).isContextLength).toBe(false);
  });

  it('is only ever a refusal, not the words of a fault', () => {
    expect(new UpstreamFailure('endpoint_fault', 'http_500').isContextLength).toBe(false);
  });
});
