import { saysContextLength, CONTEXT_LENGTH_CODE } from '../../domain/context-length.js';
import { isRecord, parseJsonOrNull, textOf, type JsonRecord } from '../../domain/json.js';
import type { RefusalReading } from '../../transport/refusal.js';

const DELAY = /^(\d+(?:\.\d+)?)s$/;

/** Reads `{"error":{"code","message","status","details":[…]}}`. */
export function readGeminiRefusal(status: number, bodyText: string): RefusalReading {
  const error = errorOf(bodyText);
  const label = textOf(error['status']);
  const message = textOf(error['message']);
  const details = Array.isArray(error['details']) ? (error['details'] as unknown[]).filter(isRecord) : [];
  if (status === 429) return { retryAfterS: retryAfterOf(details) };
  if (saysContextLength(null, message)) return { code: CONTEXT_LENGTH_CODE };
  return label === '' ? {} : { code: label };
}

/** Seconds; Google has no `Retry-After`, it tells in the details. */
function retryAfterOf(details: readonly JsonRecord[]): number | null {
  for (const { retryDelay } of details) {
    const seconds = DELAY.exec(textOf(retryDelay))?.[1];
    if (seconds !== undefined) return Math.max(1, Math.ceil(Number(seconds)));
  }
  return null;
}

function errorOf(text: string): JsonRecord {
  const parsed = parseJsonOrNull(text);
  const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return isRecord(body) && isRecord(body['error']) ? body['error'] : {};
}
