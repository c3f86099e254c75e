import { blameOf } from './blame.js';
import { callerFaultOf } from './caller-fault.js';
import { UpstreamFailure } from './failure.js';
import { isRecord, type JsonRecord } from './json.js';

/**
 * An error that an upstream reports inside a 200: `{"error":…}`, vLLM's and Mistral's `{"object":"error",…}`, a choice that ended
 * with an error, as OpenRouter puts it, MiniMax's `base_resp`, or a bare sentence where the answer should be.
 * @returns `null` when the payload is none.
 */
export function failureOfPayload(
  payload: JsonRecord,
  reason: string,
  status: number | null = null,
): UpstreamFailure | null {
  const error = errorIn(payload);
  if (error === null) return null;
  const blame = blameOf(null, error);
  // Any word of another kind of a server that had accepted the request is a fault of the endpoint.
  if (blame === null) return new UpstreamFailure('endpoint_fault', reason, { status });
  const { failure, subject } = blame;
  const fault = callerFaultOf(isRecord(error) ? error : { error });
  if (failure !== 'caller_fault') return new UpstreamFailure(failure, reason, { status, subject, said: fault.message });
  return new UpstreamFailure(failure, reason, { status, callerFault: fault });
}

function errorIn(payload: JsonRecord): unknown {
  const { error, object, type, choices, base_resp: base } = payload;
  if (isSaid(error)) return error;
  if (object === 'error' || type === 'error') return payload;
  if (isRecord(base) && isFailureCode(base['status_code'])) return base;
  if (!Array.isArray(choices)) return explainsItself(payload) ? payload : null;
  const broken: unknown = choices.find((choice: unknown) => isRecord(choice) && hasFailed(choice));
  return isRecord(broken) ? (broken['error'] ?? broken) : null;
}

/** Where there is no list of choices: a sentence, or a list of faults, that no code calls a success. */
function explainsItself(payload: JsonRecord): boolean {
  const { code, status_code: statusCode } = payload;
  if ([code, statusCode].some((value) => value !== undefined && value !== null && !isFailureCode(value))) return false;
  return payload['success'] === false || SENTENCES.some((field) => isWords(payload[field]));
}

const SENTENCES = ['message', 'msg', 'detail', 'errors', 'error_msg', 'error_message', 'errorMessage', 'error_code'];

const SUCCESS_CODES: ReadonlySet<unknown> = new Set([0, 200, '', '0', '200', 'ok', 'success', true]);

function isFailureCode(code: unknown): boolean {
  const plain = typeof code === 'string' ? code.toLowerCase() : code;
  return plain !== undefined && plain !== null && !SUCCESS_CODES.has(plain);
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : typeof value === 'string' && value !== '';
}

/** Some put `"error":null`, `false` or an empty object beside every answer. */
function isSaid(error: unknown): boolean {
  return Boolean(error) && !(isRecord(error) && Object.keys(error).length === 0);
}

function hasFailed({ error, finish_reason: finish }: JsonRecord): boolean {
  return isSaid(error) || finish === 'error';
}
