import { blameOf } from './blame.js';
import { callerFaultOf } from './caller-fault.js';
import { UpstreamFailure } from './failure.js';
import { isRecord, type JsonRecord } from './json.js';

/**
 * An error that an upstream reports inside a 200: `{"error":…}`, vLLM's and Mistral's `{"object":"error",…}`, or a choice that ended
 * with an error, as OpenRouter puts it.
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
  const { error, object, choices } = payload;
  if (error !== undefined && error !== null) return error;
  if (object === 'error') return payload;
  if (!Array.isArray(choices)) return null;
  const broken: unknown = choices.find((choice: unknown) => isRecord(choice) && hasFailed(choice));
  return isRecord(broken) ? (broken['error'] ?? broken) : null;
}

function hasFailed({ error, finish_reason: finish }: JsonRecord): boolean {
  return (error !== undefined && error !== null) || finish === 'error';
}
