import { isRecord, type JsonRecord } from '../domain/json.js';

/** A whole completion as the chunks that a stream of it would have been. */
export function chunksOfCompletion(completion: JsonRecord): string[] {
  const { choices, usage, object: _object, ...head } = completion;
  const base = { ...head, object: 'chat.completion.chunk' };
  const chunks: JsonRecord[] = [];
  for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
    if (!isRecord(choice)) continue;
    const { message, finish_reason: finishReason, index, ...rest } = choice;
    const delta = isRecord(message) ? deltaOf(message) : {};
    chunks.push({ ...base, choices: [{ ...rest, index: index ?? 0, delta, finish_reason: null }] });
    chunks.push({ ...base, choices: [{ index: index ?? 0, delta: {}, finish_reason: finishReason ?? null }] });
  }
  if (isRecord(usage)) chunks.push({ ...base, choices: [], usage });
  return chunks.map((chunk) => JSON.stringify(chunk));
}

/** Tool calls of a delta carry the index that says which call a piece belongs to. */
function deltaOf(message: JsonRecord): JsonRecord {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return message;
  const indexed = calls.map((call: unknown, index) => (isRecord(call) ? { index, ...call } : call));
  return { ...message, tool_calls: indexed };
}
