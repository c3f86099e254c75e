import { callerFaultOf } from './caller-fault.js';
import { UpstreamFailure } from './failure.js';
import { isRecord, textOf, type JsonRecord } from './json.js';

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
  const labels = isRecord(error) ? [error['code'], error['type'], error['status']] : [];
  const isLimit = labels.some((label) => label === 429 || /^429$|rate_?limit|resource_exhausted/i.test(textOf(label)));
  if (isLimit) return new UpstreamFailure('rate_limited', reason, { status });
  const refusal = new UpstreamFailure('caller_fault', reason, { status, callerFault: callerFaultOf({ error }) });
  // Any other word of a server that had accepted the request is a fault of the endpoint.
  return refusal.isContextLength ? refusal : new UpstreamFailure('endpoint_fault', reason, { status });
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
