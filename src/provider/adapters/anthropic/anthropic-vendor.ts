import type { JSONObject, LanguageModelV4 } from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { AnswerBlock, Connection, FinishReason, Thought, Vendor } from '../translated/vendor.js';
import { adjustToAnthropic } from './anthropic-options.js';
import { readAnthropicRefusal } from './anthropic-refusal.js';
import { AnthropicMender } from './anthropic-wire.js';

const OPTIONS_KEY = 'anthropic';
const VERSION = '2023-06-01';

/** Claude behind Anthropic's Messages API, or a server that speaks it. */
export const anthropicVendor: Vendor = {
  name: 'anthropic',
  optionsKey: OPTIONS_KEY,
  media: ['image', 'application/pdf', 'text/plain'],
  modelList: {
    path: '/models?limit=1000',
    headers: (apiKey) => ['x-api-key', apiKey, 'anthropic-version', VERSION],
    field: 'data',
  },
  model,
  adjust: adjustToAnthropic,
  optionsOf,
  reasoningOf,
  opaqueOf,
  withoutThoughts,
  refusesThoughts: /signature|redacted_thinking|(?:expected )?`thinking`/i,
  toolName: /^[a-zA-Z0-9_-]{1,128}$/,
  isBlank: (text) => text.trim() === '',
  mediaTypeOf: (_url, kind) => kind,
  messageFields,
  toolCallFields: () => ({}),
  finishReasonOf: (): FinishReason | null => null,
  mayEndEmpty: true,
  refusalOf: ({ stopDetails }) => (isRecord(stopDetails) ? textOf(stopDetails['explanation']) || null : null),
  headOf: () => ({}),
  mender: () => new AnthropicMender(),
  readRefusal: readAnthropicRefusal,
};

/** The class itself: the package's own factory reads addresses and keys from the environment, and fails on an empty one. */
async function model({ modelId, baseUrl, apiKey, fetch }: Connection): Promise<LanguageModelV4> {
  // Loaded when the first call needs it: most gateways never do.
  const { AnthropicLanguageModel } = await import('@ai-sdk/anthropic/internal');
  const headers = { 'x-api-key': apiKey, 'anthropic-version': VERSION };
  return new AnthropicLanguageModel(modelId, { provider: 'anthropic.messages', baseURL: baseUrl, headers, fetch });
}

/** Where a prompt is to be cached up to. */
function optionsOf({ cache_control: mark }: JsonRecord): JSONObject | null {
  return isRecord(mark) ? { cacheControl: mark as JSONObject } : null;
}

/**
 * Thinking that an earlier turn came with, as this gateway and others hand it out: `thinking_blocks` in Anthropic's own form, or
 * OpenRouter's `reasoning_details`. Only what is signed is of use.
 */
function reasoningOf(message: JsonRecord): Thought[] {
  const blocks = message['thinking_blocks'] ?? message['reasoning_details'];
  if (!Array.isArray(blocks)) return [];
  return (blocks as unknown[]).flatMap((block): Thought[] => {
    if (!isRecord(block) || !isOwnFormat(block)) return [];
    const { thinking, text, signature, data } = block;
    const before = beforeOf(block);
    if (typeof signature === 'string' && signature !== '') {
      const words = typeof thinking === 'string' ? thinking : textOf(text);
      return [{ part: { type: 'reasoning', text: words, providerOptions: { [OPTIONS_KEY]: { signature } } }, before }];
    }
    if (typeof data !== 'string' || data === '') return [];
    const options = { [OPTIONS_KEY]: { redactedData: data } };
    return [{ part: { type: 'reasoning', text: '', providerOptions: options }, before }];
  });
}

/** OpenRouter says whose thoughts they are. */
function isOwnFormat({ format }: JsonRecord): boolean {
  return typeof format !== 'string' || format.startsWith('anthropic');
}

function beforeOf({ after }: JsonRecord): Thought['before'] {
  const { text_chars: textChars, tool_calls: calls } = isRecord(after) ? after : {};
  return {
    textChars: typeof textChars === 'number' ? textChars : 0,
    calls: typeof calls === 'number' ? calls : 0,
  };
}

function opaqueOf(message: JsonRecord): string {
  return reasoningOf(message).length === 0
    ? ''
    : JSON.stringify(message['thinking_blocks'] ?? message['reasoning_details']);
}

function withoutThoughts(message: JsonRecord): JsonRecord {
  if (opaqueOf(message) === '') return message;
  const { thinking_blocks: _blocks, reasoning_details: _details, ...rest } = message;
  return rest;
}

function messageFields(blocks: readonly AnswerBlock[]): JsonRecord {
  const thinking = blocks.flatMap(({ kind, text, metadata, before }): JsonRecord[] => {
    const { signature, redactedData } = metadata;
    if (kind !== 'reasoning') return [];
    const { textChars, calls } = before;
    // OpenAI's form has no order of thoughts, text and calls: what did not come first says what came before it.
    const place = textChars + calls > 0 ? { after: { text_chars: textChars, tool_calls: calls } } : {};
    if (typeof signature === 'string') return [{ type: 'thinking', thinking: text, signature, ...place }];
    return typeof redactedData === 'string' ? [{ type: 'redacted_thinking', data: redactedData, ...place }] : [];
  });
  return thinking.length === 0 ? {} : { thinking_blocks: thinking };
}
