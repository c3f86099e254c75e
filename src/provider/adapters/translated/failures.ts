import { AISDKError, APICallError } from '@ai-sdk/provider';
import { cleanMessage } from '../../domain/caller-fault.js';
import { failureOfStatus, UNSUPPORTED, UpstreamFailure } from '../../domain/failure.js';
import { failureOfPayload } from '../../domain/error-payload.js';
import { isRecord } from '../../domain/json.js';

/**
 * What the AI SDK threw, as a failure of an attempt. Errors of the connection and refusals never come this way: the transport
 * keeps them as they were.
 * @param hasAnswer whether the vendor had answered with a success by then.
 */
export function callFailure(error: unknown, hasAnswer: boolean): Error {
  if (error instanceof UpstreamFailure) return error;
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400) {
    return refusalInAnswer(error.statusCode, error.message, error);
  }
  if (hasAnswer) return new UpstreamFailure('endpoint_fault', 'broken_json', { status: 200, cause: error });
  if (AISDKError.isInstance(error)) {
    const message = cleanMessage(error.message);
    const callerFault = { message, code: 'unsupported_parameter', param: null };
    return new UpstreamFailure('caller_fault', UNSUPPORTED, { callerFault, cause: error });
  }
  return error instanceof Error ? error : new Error('the library of the vendor failed', { cause: error });
}

/** An error that came as an event of a stream. */
export function streamFailure(error: unknown): UpstreamFailure {
  const told = isRecord(error) && !(error instanceof Error) ? error : null;
  if (told === null) return new UpstreamFailure('endpoint_fault', 'malformed_chunk', { status: 200, cause: error });
  const { statusCode: code } = told;
  const failure = failureOfPayload({ error: { ...told, code } }, 'error_in_stream', 200);
  return failure ?? new UpstreamFailure('endpoint_fault', 'error_in_stream', { status: 200 });
}

/** An error where the answer should have begun, under a status of success. */
function refusalInAnswer(status: number, message: string, cause: unknown): UpstreamFailure {
  const failure = failureOfStatus(status) ?? 'endpoint_fault';
  if (failure !== 'caller_fault') return new UpstreamFailure(failure, 'error_in_stream', { status: 200, cause });
  const callerFault = { message: cleanMessage(message), code: null, param: null };
  return new UpstreamFailure(failure, 'error_in_stream', { status: 200, callerFault, cause });
}
