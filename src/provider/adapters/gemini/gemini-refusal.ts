import { saysContextLength, CONTEXT_LENGTH_CODE } from '../../domain/context-length.js';
import { isRecord, parseJsonOrNull, textOf, type JsonRecord } from '../../domain/json.js';
import type { RefusalReading } from '../../transport/refusal.js';

/** Reads `{"error":{"code","message","status","details":[…]}}`. */
export function readGeminiRefusal(_status: number, bodyText: string): RefusalReading {
  const error = errorOf(bodyText);
  const label = textOf(error['status']);
  if (saysContextLength(null, textOf(error['message']))) return { code: CONTEXT_LENGTH_CODE };
  return label === '' ? {} : { code: label };
}

function errorOf(text: string): JsonRecord {
  const parsed = parseJsonOrNull(text);
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return isRecord(body) && isRecord(body['error']) ? body['error'] : {};
}
