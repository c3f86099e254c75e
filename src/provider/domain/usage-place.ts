import { isRecord, type JsonRecord } from './json.js';

/** More than a caller can ask for; an upstream that numbers further is not believed. */
const CHOICES_MAX = 128;

/**
 * The usage object of a body or chunk, wherever vendors put it: `usage`, Gemini's `usageMetadata`, Groq's `x_groq.usage`, Bedrock's
 * metrics. Usage in choices has been lifted out of them before.
 * @returns `null` when there is none.
 */
export function usageIn(payload: JsonRecord): JsonRecord | null {
  const { usage, usageMetadata, usage_metadata: snakeCase, x_groq: groq } = payload;
  const places = [usage, usageMetadata, snakeCase, isRecord(groq) ? groq['usage'] : null];
  const found = [...places, payload['amazon-bedrock-invocationMetrics']].filter(isRecord);
  return found.find((record) => Object.keys(record).length > 0) ?? found[0] ?? null;
}

/**
 * Puts usage, in place, where clients look for it: from another name (Groq), and out of the choices (Moonshot).
 * @param ofChoices by index of the choice, what those of an answer have said; filled here.
 * @returns whether something was changed.
 */
export function liftUsage(payload: JsonRecord, ofChoices: Map<unknown, JsonRecord>): boolean {
  let isChanged = false;
  for (const choice of choicesOf(payload)) {
    if (!isRecord(choice) || !isRecord(choice['usage'])) continue;
    if (ofChoices.size < CHOICES_MAX) ofChoices.set(choice['index'], choice['usage']);
    delete choice['usage'];
    isChanged = true;
  }
  if (isRecord(payload['usage'])) return isChanged;
  const { x_groq: groq } = payload;
  const lifted = isRecord(groq) && isRecord(groq['usage']) ? groq['usage'] : null;
  const found = lifted ?? (isChanged ? joinedUsage([...ofChoices.values()]) : null);
  if (found === null) return isChanged;
  payload['usage'] = found;
  return true;
}

/** Each choice counts its own completion, and all of them the same prompt. */
function joinedUsage(usages: readonly JsonRecord[]): JsonRecord | null {
  const [first] = usages;
  if (first === undefined || usages.length === 1) return first ?? null;
  const { total_tokens: _total, ...shared } = first;
  const completion = usages.reduce((sum, usage) => sum + Number(usage['completion_tokens'] ?? 0), 0);
  return { ...shared, completion_tokens: completion };
}

function choicesOf({ choices }: JsonRecord): readonly unknown[] {
  return Array.isArray(choices) ? choices : [];
}
