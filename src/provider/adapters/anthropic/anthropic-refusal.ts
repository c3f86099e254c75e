import { CONTEXT_LENGTH_CODE, saysContextLength } from '../../domain/context-length.js';
import { isRecord, textOf } from '../../domain/json.js';
import type { RefusalReading } from '../../transport/refusal.js';

/** Anthropic answers 400 when the account that pays for the key has run dry. */
const OUT_OF_CREDIT = /credit balance is too low|disabled organization/i;

/** Reads `{"type":"error","error":{"type","message"}}`. */
export function readAnthropicRefusal(status: number, bodyText: string): RefusalReading {
  const { type, message } = errorOf(bodyText);
  if (status === 400 && (type === 'billing_error' || OUT_OF_CREDIT.test(message))) return { failure: 'operator_fault' };
  if (saysContextLength(null, message)) return { code: CONTEXT_LENGTH_CODE };
  return type === '' ? {} : { code: type };
}

function errorOf(text: string): { type: string; message: string } {
  try {
    const body: unknown = JSON.parse(text);
    const error = isRecord(body) ? body['error'] : null;
    return isRecord(error) ? { type: textOf(error['type']), message: textOf(error['message']) } : NOTHING;
  } catch {
    return NOTHING;
  }
}

const NOTHING = { type: '', message: '' };
