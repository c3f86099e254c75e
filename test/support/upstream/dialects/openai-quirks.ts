import type { Counts, JsonRecord } from '../answer.js';
import { VENDORS, type Behaviour } from '../behaviour.js';
import type { Frame } from '../dialect.js';

/** Ways in which a compatible vendor leaves OpenAI's format. Absent: as OpenAI. */
export interface Quirk {
  /** It calls functions when it is given some. */
  isVendor: boolean;
  /** Fields of every chunk. */
  fields?: JsonRecord;
  /** Fields of every content delta. */
  delta?: JsonRecord;
  choice?: (choice: JsonRecord) => JsonRecord;
  /** Chunks without choices, before the first and after the last one with some. */
  preamble?: readonly JsonRecord[];
  afterFinish?: readonly JsonRecord[];
  comment?: string;
  /** Where the usage of a stream is, if not on a chunk of its own. */
  usageAt?: 'finish' | 'x_groq' | 'empty-delta' | 'choice';
  usage?: (counts: Counts) => JsonRecord;
  /** The delta of a thought. */
  thought?: (text: string) => JsonRecord;
  /** Message fields of all thoughts, with the text of the answer. */
  wholeThought?: (thoughts: string, text: string) => JsonRecord;
  /** How functions are called; see openai-tools.ts. */
  tools?: string;
  /** What comes before a whole answer, so that its connection stays alive. */
  wholePrefix?: string;
  whole?: (completion: JsonRecord) => JsonRecord;
  errorFrames?: readonly Frame[];
}

const OPENAI: Quirk = { isVendor: false };

const FILTERED = { hate: { filtered: false, severity: 'safe' } };

/** What each vendor does, by what was seen of it. */
const QUIRKS: Readonly<Record<(typeof VENDORS)[number], Quirk>> = {
  azure: {
    isVendor: true,
    preamble: [{ prompt_filter_results: [{ prompt_index: 0, content_filter_results: FILTERED }] }],
    choice: (choice) => ({ ...choice, content_filter_results: FILTERED }),
    // Asynchronous filters report on choices without a delta.
    afterFinish: [{ choices: [{ index: 0, finish_reason: null, content_filter_offsets: { check_offset: 4 } }] }],
  },
  deepseek: {
    isVendor: true,
    comment: ': keep-alive\n\n',
    wholePrefix: '\n\n\n',
    usageAt: 'finish',
    usage: ({ prompt, cached, output, thoughts }) => ({
      prompt_tokens: prompt,
      completion_tokens: output,
      total_tokens: prompt + output,
      prompt_cache_hit_tokens: cached,
      prompt_cache_miss_tokens: prompt - cached,
      completion_tokens_details: { reasoning_tokens: thoughts },
    }),
    delta: { reasoning_content: null },
    thought: (text) => ({ content: null, reasoning_content: text }),
  },
  groq: {
    isVendor: true,
    usageAt: 'x_groq',
    usage: ({ prompt, cached, output }) => ({
      queue_time: 0.01,
      prompt_tokens: prompt,
      prompt_time: 0.02,
      completion_tokens: output,
      completion_time: 0.05,
      total_tokens: prompt + output,
      total_time: 0.08,
      prompt_tokens_details: { cached_tokens: cached },
    }),
    tools: 'whole',
    thought: (text) => ({ reasoning: text }),
    wholeThought: (reasoning) => ({ reasoning }),
  },
  llamacpp: {
    isVendor: true,
    fields: { timings: { prompt_n: 10, predicted_n: 1, predicted_per_second: 41.5 } },
    // Older servers send their error as a field of the event that no client reads.
    errorFrames: [{ data: '', comment: 'error: {"code":500,"message":"slot unavailable","type":"server_error"}\n\n' }],
    thought: (text) => ({ reasoning_content: text }),
  },
  mistral: {
    isVendor: true,
    usageAt: 'finish',
    usage: ({ prompt, output }) => ({
      prompt_tokens: prompt,
      total_tokens: prompt + output,
      completion_tokens: output,
    }),
    tools: 'whole',
    thought: (text) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }),
    wholeThought: (text, answer) => ({
      content: [
        { type: 'thinking', thinking: [{ type: 'text', text }] },
        { type: 'text', text: answer },
      ],
    }),
    errorFrames: [
      { data: '{"object":"error","message":"Service unavailable.","type":"unreachable_backend","code":"1100"}' },
    ],
  },
  moonshot: {
    isVendor: true,
    usageAt: 'choice',
    usage: ({ prompt, cached, output }) => ({
      prompt_tokens: prompt,
      completion_tokens: output,
      total_tokens: prompt + output,
      cached_tokens: cached,
    }),
  },
  ollama: {
    isVendor: true,
    choice: ({ finish_reason: finish, ...choice }) => ({ ...choice, finish_reason: finish ?? '' }),
    tools: 'tools-same-index',
    thought: (text) => ({ role: 'assistant', content: '', reasoning: text }),
    wholeThought: (reasoning) => ({ reasoning }),
    errorFrames: [
      { data: '{"error":{"message":"an error was encountered while running the model","type":"api_error"}}' },
    ],
  },
  openrouter: {
    isVendor: true,
    fields: { provider: 'Somebody' },
    comment: ': OPENROUTER PROCESSING\n\n',
    choice: (choice) => ({ ...choice, native_finish_reason: choice['finish_reason'] }),
    usageAt: 'empty-delta',
    usage: ({ prompt, cached, written, output, thoughts }) => ({
      prompt_tokens: prompt,
      completion_tokens: output,
      total_tokens: prompt + output,
      cost: 0.00014,
      is_byok: false,
      prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written, audio_tokens: 0 },
      cost_details: { upstream_inference_cost: null },
      completion_tokens_details: { reasoning_tokens: thoughts, image_tokens: 0 },
    }),
    thought: (text) => ({
      role: 'assistant',
      content: '',
      reasoning: text,
      reasoning_details: [{ type: 'reasoning.text', text, format: 'unknown', index: 0 }],
    }),
    wholeThought: (reasoning) => ({ reasoning }),
    errorFrames: [
      {
        data: JSON.stringify({
          id: 'gen-1',
          object: 'chat.completion.chunk',
          error: { code: 502, message: 'Provider disconnected unexpectedly' },
          choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error', native_finish_reason: 'error' }],
        }),
      },
      { data: '[DONE]' },
    ],
  },
  together: {
    isVendor: true,
    usageAt: 'finish',
    delta: { role: 'assistant', token_id: 2710, tool_calls: null },
    choice: (choice) => ({ ...choice, text: '', seed: null }),
  },
  vllm: {
    isVendor: true,
    choice: (choice) => ({ ...choice, stop_reason: null, token_ids: null }),
    tools: 'tools-no-index',
    thought: (text) => ({ reasoning: text, reasoning_content: text }),
    wholeThought: (text) => ({ reasoning: text, reasoning_content: text }),
    errorFrames: [
      { data: '{"object":"error","message":"EngineCore died","type":"InternalServerError","param":null,"code":500}' },
      { data: '[DONE]' },
    ],
  },
};

/** How the behaviour leaves OpenAI's format. */
export function quirkOf({ name }: Behaviour): Quirk {
  const vendor = VENDORS.find((known) => name === known || name === `${known}-error`);
  return vendor === undefined ? OPENAI : QUIRKS[vendor];
}

/** Whether the behaviour is that of a vendor that breaks in the middle of a stream. */
export function isVendorError({ name }: Behaviour): boolean {
  return name.endsWith('-error') && VENDORS.some((known) => name === `${known}-error`);
}
