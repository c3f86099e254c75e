import type { Candidate } from './model.js';

/** The candidates of a choice as explanations show them. */
export function candidateFactsOf(candidates: readonly Candidate[]): Record<string, unknown>[] {
  return candidates.map(({ modelKey, tier, score, lost }) => ({ model_key: modelKey, tier, score, lost }));
}
