import type { TokenUsage } from '../../provider/index.js';
import { STREAM_FIRST_TOKENS } from './estimate.js';

/** What one call can come to at most, over all choices. */
export interface UsageBounds {
  /** Most output that the model can write: `n` × `max_output_tokens`. */
  modelTokens: number;
  /** Maximum of output that the provider was sent; `null` when it was sent none. */
  sentTokens: number | null;
  /** The longest prompt that fits where the call was served. */
  contextTokens: number;
}

/** `implausible_usage`: no call can have come to so much. `maximum_exceeded`: the provider did not keep to its maximum. */
export type DoubtKind = 'implausible_usage' | 'maximum_exceeded';

/** Why a provider's count is not what is charged, with what it said; `null` where it said nothing. */
export interface UsageDoubt {
  kind: DoubtKind;
  /** All prompt tokens, cached ones too. */
  inputTokens: number | null;
  outputTokens: number | null;
}

/** Tokenizers differ: of a long answer the gateway may count so much more than its maker, one part in eight. */
const TOKENIZER_PARTS = 8;

/** Output tokens, over all choices, that an obedient provider sends at most. */
export function maximumOf({ modelTokens, sentTokens }: UsageBounds): number {
  return sentTokens === null ? modelTokens : Math.min(sentTokens, modelTokens);
}

/** Output tokens at which an answer is ended, whatever its provider still sends: one step past the maximum. */
export function outputLimitOf(maximumTokens: number): number {
  return maximumTokens + Math.max(STREAM_FIRST_TOKENS, Math.floor(maximumTokens / TOKENIZER_PARTS));
}

/** What is wrong with a provider's count; `null` when it can be charged. */
export function doubtOf(usage: TokenUsage, bounds: UsageBounds): UsageDoubt | null {
  const { outputTokens } = usage;
  const inputTokens = usage.inputTokens + usage.cachedInputTokens + usage.cachedOutputTokens;
  const said = { inputTokens, outputTokens };
  if (outputTokens > bounds.modelTokens || inputTokens > bounds.contextTokens) {
    return { kind: 'implausible_usage', ...said };
  }
  const isBroken = bounds.sentTokens !== null && outputTokens > bounds.sentTokens + STREAM_FIRST_TOKENS;
  return isBroken ? { kind: 'maximum_exceeded', ...said } : null;
}
