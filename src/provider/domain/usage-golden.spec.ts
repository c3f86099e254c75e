import { ChunkReader } from '../sse/chunk-reader.js';
import type { TokenUsage } from './call.js';
import type { JsonRecord } from './json.js';
import { normaliseUsage } from './usage.js';

/**
 * Usage objects in the shapes that the vendors document. The numbers are made up; what belongs to what is the vendors':
 *
 * - OpenAI: https://platform.openai.com/docs/api-reference/chat/object and https://platform.openai.com/docs/guides/prompt-caching
 * - DeepSeek: https://api-docs.deepseek.com/api/create-chat-completion and https://api-docs.deepseek.com/guides/kv_cache
 * - Anthropic: https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching and
 *   https://docs.anthropic.com/en/docs/build-with-claude/streaming
 * - Gemini: https://ai.google.dev/api/generate-content#UsageMetadata; for its thoughts see also
 *   https://github.com/vercel/ai/issues/6082 (7477 + 2060 + 1939 = 11476) and
 *   https://github.com/router-for-me/CLIProxyAPI/issues/5733 (zero counts are left out)
 */
interface Golden {
  name: string;
  /** Of an answer as a whole. */
  whole: JsonRecord;
  /** Usage objects of its stream, in order. */
  streamed: JsonRecord[];
  /** Field of a chunk or body that holds it. */
  field?: string;
  usage: TokenUsage;
}

function usage(
  inputTokens: number,
  cachedInputTokens: number,
  cachedOutputTokens: number,
  outputTokens: number,
): TokenUsage {
  return { inputTokens, cachedInputTokens, cachedOutputTokens, outputTokens };
}

const OPENAI = {
  prompt_tokens: 2006,
  completion_tokens: 300,
  total_tokens: 2306,
  prompt_tokens_details: { cached_tokens: 1920, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 256,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};

const DEEPSEEK = {
  prompt_tokens: 1200,
  completion_tokens: 500,
  total_tokens: 1700,
  prompt_tokens_details: { cached_tokens: 1024 },
  completion_tokens_details: { reasoning_tokens: 380 },
  prompt_cache_hit_tokens: 1024,
  prompt_cache_miss_tokens: 176,
};

const ANTHROPIC = {
  input_tokens: 50,
  cache_creation_input_tokens: 248,
  cache_read_input_tokens: 100_000,
  cache_creation: { ephemeral_5m_input_tokens: 148, ephemeral_1h_input_tokens: 100 },
  output_tokens: 503,
};

const GEMINI = {
  promptTokenCount: 7477,
  cachedContentTokenCount: 4096,
  candidatesTokenCount: 2060,
  toolUsePromptTokenCount: 23,
  thoughtsTokenCount: 1939,
  totalTokenCount: 11_499,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 7477 }],
};

const GOLDEN: Golden[] = [
  {
    name: 'OpenAI: cached tokens inside the prompt, reasoning inside the completion',
    whole: OPENAI,
    streamed: [OPENAI],
    usage: usage(86, 1920, 0, 300),
  },
  {
    name: 'OpenAI, in the names of its newer objects',
    whole: {
      input_tokens: 328,
      input_tokens_details: { cached_tokens: 128 },
      output_tokens: 52,
      output_tokens_details: { reasoning_tokens: 40 },
      total_tokens: 380,
    },
    streamed: [
      { input_tokens: 328, input_tokens_details: { cached_tokens: 128 }, output_tokens: 52, total_tokens: 380 },
    ],
    usage: usage(200, 128, 0, 52),
  },
  {
    name: 'DeepSeek: hit and miss add up to the prompt',
    whole: DEEPSEEK,
    streamed: [DEEPSEEK],
    usage: usage(176, 1024, 0, 500),
  },
  {
    name: 'DeepSeek, without the details in the names of OpenAI',
    whole: {
      prompt_tokens: 1200,
      completion_tokens: 500,
      prompt_cache_hit_tokens: 1024,
      prompt_cache_miss_tokens: 176,
    },
    streamed: [
      { prompt_tokens: 1200, completion_tokens: 500, prompt_cache_hit_tokens: 1024, prompt_cache_miss_tokens: 176 },
    ],
    usage: usage(176, 1024, 0, 500),
  },
  {
    name: 'Anthropic: cache reads and writes beside the input; a stream begins with the prompt and ends with the output',
    whole: ANTHROPIC,
    streamed: [{ ...ANTHROPIC, output_tokens: 1 }, { output_tokens: 200 }, { output_tokens: 503 }],
    usage: usage(50, 100_000, 248, 503),
  },
  {
    name: 'Anthropic: a last count that repeats all, with nothing for what it does not know',
    whole: { input_tokens: 25, output_tokens: 15, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
    streamed: [
      { input_tokens: 25, output_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0 },
      { input_tokens: null, output_tokens: 15, cache_creation_input_tokens: null, cache_read_input_tokens: null },
    ],
    usage: usage(25, 0, 0, 15),
  },
  {
    name: 'Anthropic: a prompt that was read from the cache altogether',
    whole: { input_tokens: 0, output_tokens: 9, cache_creation_input_tokens: null, cache_read_input_tokens: 2048 },
    streamed: [{ input_tokens: 0, output_tokens: 9, cache_read_input_tokens: 2048 }],
    usage: usage(0, 2048, 0, 9),
  },
  {
    name: 'Anthropic: a last count that repeats the prompt without its cache',
    whole: ANTHROPIC,
    streamed: [
      { ...ANTHROPIC, output_tokens: 1 },
      { input_tokens: 50, output_tokens: 503 },
    ],
    usage: usage(50, 100_000, 248, 503),
  },
  {
    name: 'Anthropic behind a relay: nothing at first, or nothing at last',
    whole: { input_tokens: 25, output_tokens: 15, cache_read_input_tokens: 7 },
    streamed: [
      { input_tokens: 0, output_tokens: 0, cache_read_input_tokens: 0 },
      { input_tokens: 25, output_tokens: 15, cache_read_input_tokens: 7 },
      { input_tokens: 0, output_tokens: 0 },
    ],
    usage: usage(25, 7, 0, 15),
  },
  {
    name: 'vLLM: the counts so far on every chunk',
    whole: { prompt_tokens: 8, completion_tokens: 3, total_tokens: 11 },
    streamed: [1, 2, 3].map((sent) => ({ prompt_tokens: 8, completion_tokens: sent, total_tokens: 8 + sent })),
    usage: usage(8, 0, 0, 3),
  },
  {
    name: 'Gemini: cached tokens inside the prompt, prompts of tools and thoughts beside; counts grow with the stream',
    whole: GEMINI,
    streamed: [{ promptTokenCount: 7477, totalTokenCount: 7477 }, { ...GEMINI, candidatesTokenCount: 12 }, GEMINI],
    usage: usage(7477 + 23 - 4096, 4096, 0, 2060 + 1939),
  },
  {
    name: 'Gemini, as it names the object itself',
    whole: GEMINI,
    streamed: [GEMINI],
    field: 'usageMetadata',
    usage: usage(7477 + 23 - 4096, 4096, 0, 2060 + 1939),
  },
  {
    name: 'Gemini: nothing but thoughts',
    whole: { promptTokenCount: 21, thoughtsTokenCount: 60, totalTokenCount: 81 },
    streamed: [{ promptTokenCount: 21, thoughtsTokenCount: 60, totalTokenCount: 81 }],
    usage: usage(21, 0, 0, 60),
  },
  {
    name: 'Gemini in the names of OpenAI: thoughts beside the completion',
    whole: {
      prompt_tokens: 21,
      completion_tokens: 0,
      total_tokens: 81,
      completion_tokens_details: { reasoning_tokens: 60 },
    },
    streamed: [
      {
        prompt_tokens: 21,
        completion_tokens: 0,
        total_tokens: 81,
        completion_tokens_details: { reasoning_tokens: 60 },
      },
    ],
    usage: usage(21, 0, 0, 60),
  },
];

function chunk(fields: JsonRecord): string {
  return JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [], ...fields });
}

describe.each(GOLDEN)('$name', ({ whole, streamed, field = 'usage', usage: expected }) => {
  it('is read from a whole answer', () => {
    expect(normaliseUsage(whole)).toEqual(expected);
  });

  it('is read from a stream, with text before and after each usage', () => {
    const reader = new ChunkReader();
    const text = { choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] };
    for (const each of streamed) {
      reader.read(chunk(text), 'message');
      reader.read(chunk({ [field]: each }), 'message');
    }
    reader.read(chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), 'message');
    expect(reader.usage).toEqual(expected);
  });

  it('has buckets that add up to what the vendor counted', () => {
    const { inputTokens, cachedInputTokens, cachedOutputTokens, outputTokens } = expected;
    const total = whole['total_tokens'] ?? whole['totalTokenCount'];
    if (typeof total === 'number') {
      expect(inputTokens + cachedInputTokens + cachedOutputTokens + outputTokens).toBe(total);
    }
    expect(Object.values(expected).every((tokens) => tokens >= 0)).toBe(true);
  });
});

describe('a usage that cannot be true', () => {
  it.each([
    { input_tokens: -1, output_tokens: 5, cache_read_input_tokens: 10 },
    { input_tokens: 5, output_tokens: 5, cache_read_input_tokens: 'many' },
    { input_tokens: 0, output_tokens: 5, cache_read_input_tokens: 0 },
    { output_tokens: 5, cache_read_input_tokens: 10 },
    { promptTokenCount: 0, candidatesTokenCount: 5 },
    { promptTokenCount: 5.5, candidatesTokenCount: 5 },
    { promptTokenCount: 5, candidatesTokenCount: -1 },
    { promptTokenCount: null },
  ])('is none: %j', (raw) => {
    expect(normaliseUsage(raw)).toBeNull();
  });

  it('leaves the one before it in a stream as it was', () => {
    const reader = new ChunkReader();
    reader.read(chunk({ usage: { prompt_tokens: 10, completion_tokens: 5 } }), 'message');
    reader.read(chunk({ usage: { completion_tokens: -7 } }), 'message');
    expect(reader.usage).toEqual(usage(10, 0, 0, 5));
  });
});
