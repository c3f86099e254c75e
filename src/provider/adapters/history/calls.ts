import { isRecord, type JsonRecord } from '../../domain/json.js';

/** The tool calls of an assistant message. */
export function callsOf({ role, tool_calls: calls }: JsonRecord): JsonRecord[] {
  return role === 'assistant' && Array.isArray(calls) ? calls.filter(isRecord) : [];
}
