import type { Model } from './model.js';

/** An answer may hide more than the largest that was seen. */
const MARGIN = 2;

/**
 * Most output tokens of one choice that a model may write without showing them, never more than it can write at all.
 * @param seenTokens the largest hidden part of any answer so far; counts where the operator has said nothing.
 * @param asksToThink the request asks for thinking: of a model of which nothing is known all of its output may be hidden then.
 */
export function hiddenOutputOf(
  model: Pick<Model, 'hiddenOutputMax' | 'maxOutputTokens'>,
  seenTokens: number,
  asksToThink: boolean,
): number {
  const { hiddenOutputMax, maxOutputTokens } = model;
  if (hiddenOutputMax !== null) return Math.min(hiddenOutputMax, maxOutputTokens);
  if (seenTokens > 0) return Math.min(MARGIN * seenTokens, maxOutputTokens);
  return asksToThink ? maxOutputTokens : 0;
}
