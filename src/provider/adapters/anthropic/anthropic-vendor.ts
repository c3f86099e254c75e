import type { JSONObject, LanguageModelV4 } from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { AnswerBlock, AssistantPart, Connection, FinishReason, Vendor } from '../translated/vendor.js';
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
  mediaTypeOf: (_url, kind) => kind,
  messageFields,
  toolCallFields: () => ({}),
  finishReasonOf: (): FinishReason | null => null,
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
function reasoningOf(message: JsonRecord): AssistantPart[] {
  const blocks = message['thinking_blocks'] ?? message['reasoning_details'];
  if (!Array.isArray(blocks)) return [];
  return (blocks as unknown[]).flatMap((block): AssistantPart[] => {
    if (!isRecord(block)) return [];
    const { thinking, text, signature, data } = block;
    if (typeof signature === 'string' && signature !== '') {
      const words = typeof thinking === 'string' ? thinking : textOf(text);
      return [{ type: 'reasoning', text: words, providerOptions: { [OPTIONS_KEY]: { signature } } }];
    }
    if (typeof data !== 'string' || data === '') return [];
    return [{ type: 'reasoning', text: '', providerOptions: { [OPTIONS_KEY]: { redactedData: data } } }];
  });
}

function messageFields(blocks: readonly AnswerBlock[]): JsonRecord {
  const thinking = blocks.flatMap(({ kind, text, metadata }): JsonRecord[] => {
    const { signature, redactedData } = metadata;
    if (kind !== 'reasoning') return [];
    if (typeof signature === 'string') return [{ type: 'thinking', thinking: text, signature }];
    return typeof redactedData === 'string' ? [{ type: 'redacted_thinking', data: redactedData }] : [];
  });
  return thinking.length === 0 ? {} : { thinking_blocks: thinking };
}
