import { CONTEXT_LENGTH_CODE, saysContextLength } from '../../domain/context-length.js';
import { isRecord, parseJsonOrNull, textOf } from '../../domain/json.js';
import type { RefusalReading } from '../../transport/refusal.js';

/** Reads `{"type":"error","error":{"type","message"}}`. */
export function readAnthropicRefusal(_status: number, bodyText: string): RefusalReading {
  const body = parseJsonOrNull(bodyText);
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : {};
  if (saysContextLength(null, textOf(error['message']))) return { code: CONTEXT_LENGTH_CODE };
  const type = textOf(error['type']);
  return type === '' ? {} : { code: type };
}
