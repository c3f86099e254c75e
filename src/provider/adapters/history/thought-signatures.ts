import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { callsOf } from './calls.js';

/** What Google takes at a call that has no signature of its own models. */
export const SKIP_SIGNATURE = 'skip_thought_signature_validator';

/** The signature of a message or call: where Gemini's own OpenAI endpoint puts it, or right on the record. Empty when it has none. */
export function signatureOf(record: JsonRecord): string {
  const { extra_content: extra, thought_signature: own, function: called } = record;
  const google = isRecord(extra) ? extra['google'] : null;
  return (
    textOf(isRecord(google) ? google['thought_signature'] : null) ||
    textOf(own) ||
    textOf(isRecord(called) ? called['thought_signature'] : null)
  );
}

/** The message and its calls, as far as a model has signed them. */
export function signedRecords(message: JsonRecord): JsonRecord[] {
  return [message, ...callsOf(message)].filter((record) => !['', SKIP_SIGNATURE].includes(signatureOf(record)));
}

/** The message as Google takes it without its signatures; the very same object when it has none and calls nothing. */
export function withoutSignatures(message: JsonRecord): JsonRecord {
  const calls = callsOf(message);
  const [first] = calls;
  const isSkipped = first === undefined || signatureOf(first) === SKIP_SIGNATURE;
  if (isSkipped && signedRecords(message).length === 0) return message;
  const unsigned = calls.map((call, index) => {
    const bare = unsignedRecord(call);
    if (index > 0) return bare;
    const extra = isRecord(bare['extra_content']) ? bare['extra_content'] : {};
    return { ...bare, extra_content: { ...extra, google: { thought_signature: SKIP_SIGNATURE } } };
  });
  return { ...unsignedRecord(message), ...(calls.length === 0 ? {} : { tool_calls: unsigned }) };
}

function unsignedRecord({ thought_signature: _own, ...record }: JsonRecord): JsonRecord {
  const { extra_content: extra, function: called } = record;
  if (isRecord(extra)) {
    const { google: _google, ...others } = extra;
    record['extra_content'] = others;
  }
  if (isRecord(called)) {
    const { thought_signature: _signature, ...rest } = called;
    record['function'] = rest;
  }
  return record;
}
