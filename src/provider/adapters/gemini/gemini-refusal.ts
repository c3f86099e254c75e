import { saysContextLength, CONTEXT_LENGTH_CODE } from '../../domain/context-length.js';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { RefusalReading } from '../../transport/refusal.js';

/** Google answers 400 to a key that it does not know, and 429 to an account that has run dry. */
const BAD_KEY = /API[ _]key (?:not valid|not found|expired)/i;
const OUT_OF_CREDIT = /credits? (?:are|is|has been|have been) (?:depleted|exhausted)/i;

const DELAY = /^(\d+(?:\.\d+)?)s$/;

/** Reads `{"error":{"code","message","status","details":[…]}}`. */
export function readGeminiRefusal(status: number, bodyText: string): RefusalReading {
  const error = errorOf(bodyText);
  const label = textOf(error['status']);
  const message = textOf(error['message']);
  const details = Array.isArray(error['details']) ? (error['details'] as unknown[]).filter(isRecord) : [];
  const reasons = details.map(({ reason }) => textOf(reason));
  const isKey = BAD_KEY.test(message) || reasons.some((reason) => reason.startsWith('API_KEY_'));
  // A region or an account that may not call: nothing that the caller could mend.
  if (isKey || OUT_OF_CREDIT.test(message) || label === 'FAILED_PRECONDITION') return { failure: 'operator_fault' };
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
  try {
    const parsed: unknown = JSON.parse(text);
    const body: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  } catch {
    return {};
  }
}
