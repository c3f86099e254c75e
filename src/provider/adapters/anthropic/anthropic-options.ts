import type { JSONObject, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { withoutBounds } from '../translated/object-schema.js';
import { refuse } from '../translated/refuse.js';

/** The least that Anthropic lets a model think, in tokens. */
const BUDGET_TOKENS_MIN = 1024;

/** Below this nothing would be left for the answer. */
const THINKING_MAX_TOKENS_MIN = 2 * BUDGET_TOKENS_MIN;

/** Share of the allowed output that may be thinking, for models that are told a number of tokens. */
const BUDGET_SHARES: Readonly<Record<string, number>> = {
  minimal: 0.02,
  low: 0.1,
  medium: 0.3,
  high: 0.6,
  xhigh: 0.8,
  max: 0.8,
};

/** What a JSON answer without a schema has to be. */
const ANY_OBJECT = { type: 'object', properties: {}, additionalProperties: true } as const;

type Thinking = { type: string; budgetTokens?: number; display?: string };

/** Options that only Claude has: JSON without a schema, one tool call at a time, thinking. */
export async function adjustToAnthropic(
  options: LanguageModelV4CallOptions,
  body: Readonly<JsonRecord>,
  modelId: string,
): Promise<void> {
  if (options.responseFormat?.type === 'json') options.responseFormat.schema ??= { ...ANY_OBJECT };
  if (options.stopSequences !== undefined) options.stopSequences = usableStops(options.stopSequences);
  for (const tool of options.tools ?? []) {
    if (tool.type === 'function' && tool.strict === true)
      tool.inputSchema = withoutBounds(tool.inputSchema as JsonRecord);
  }
  const own: JSONObject = {};
  if (body['parallel_tool_calls'] === false) own['disableParallelToolUse'] = true;
  const thinking = askedThinking(body) ?? (await thinkingFor(options, modelId));
  if (thinking !== null) limitThinking(options, own, thinking);
  options.providerOptions = { anthropic: own };
}

/** Claude stops at no white space: beside another word it is left out, alone it would be missed. */
function usableStops(stops: readonly string[]): string[] {
  const usable = stops.filter((stop) => stop.trim() !== '');
  if (usable.length === 0) throw refuse('stop', 'this model cannot stop at white space');
  return usable;
}

/** Anthropic's own `thinking` field, as its compatible endpoint takes it. */
function askedThinking({ thinking }: Readonly<JsonRecord>): Thinking | null {
  if (!isRecord(thinking)) return null;
  const { type, budget_tokens: budgetTokens, display } = thinking;
  if (typeof type !== 'string') throw refuse('thinking.type', 'must be enabled, adaptive or disabled');
  return {
    type,
    ...(typeof budgetTokens === 'number' ? { budgetTokens } : {}),
    ...(typeof display === 'string' ? { display } : {}),
  };
}

/** How a model thinks that was asked for an effort; newer ones decide for themselves and hide it unless told to show it. */
async function thinkingFor(options: LanguageModelV4CallOptions, modelId: string): Promise<Thinking | null> {
  const share = BUDGET_SHARES[options.reasoning ?? ''];
  if (share === undefined) return null;
  const { getModelCapabilities } = await import('@ai-sdk/anthropic/internal');
  const { supportsAdaptiveThinking, maxOutputTokens } = getModelCapabilities(modelId);
  if (supportsAdaptiveThinking) return { type: 'adaptive', display: 'summarized' };
  const allowed = Math.min(options.maxOutputTokens ?? maxOutputTokens, maxOutputTokens);
  return { type: 'enabled', budgetTokens: Math.max(BUDGET_TOKENS_MIN, Math.floor(allowed * share)) };
}

/**
 * A budget is part of what the caller allows, never on top of it: the SDK adds it to the limit. Without room for it, or in
 * the middle of a tool turn whose thinking did not come back, which Anthropic would refuse, the model answers without.
 */
function limitThinking(options: LanguageModelV4CallOptions, own: JSONObject, thinking: Thinking): void {
  const allowed = options.maxOutputTokens ?? Number.POSITIVE_INFINITY;
  if (thinking.type === 'enabled') {
    if (allowed < THINKING_MAX_TOKENS_MIN || lacksThinking(options)) {
      delete options.reasoning;
      return;
    }
    thinking.budgetTokens = Math.min(thinking.budgetTokens ?? BUDGET_TOKENS_MIN, allowed - BUDGET_TOKENS_MIN);
    if (options.maxOutputTokens !== undefined) options.maxOutputTokens = allowed - thinking.budgetTokens;
  }
  own['thinking'] = thinking;
}

/** The turn that goes on with results of tools began without thinking, or the caller has lost it. */
function lacksThinking({ prompt }: LanguageModelV4CallOptions): boolean {
  if (prompt.at(-1)?.role !== 'tool') return false;
  const began = prompt.findLast(({ role }) => role === 'assistant');
  return began?.role === 'assistant' && !began.content.some(({ type }) => type === 'reasoning');
}
