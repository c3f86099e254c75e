import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';

/**
 * Reads a 200 answer as a chat completion.
 * @throws UpstreamFailure when it is none: not JSON, an error object, no choices, or choices without a message.
 */
export function readCompletion(body: Buffer): JsonRecord {
  const parsed = parse(body);
  if (!isRecord(parsed)) throw new UpstreamFailure('endpoint_fault', 'broken_json', { status: 200 });
  if (parsed['error'] !== undefined && parsed['error'] !== null) {
    throw new UpstreamFailure('endpoint_fault', 'error_in_answer', { status: 200 });
  }
  const choices = parsed['choices'];
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new UpstreamFailure('endpoint_fault', 'no_choices', { status: 200 });
  }
  if (!choices.every((choice) => isRecord(choice) && isRecord(choice['message']))) {
    throw new UpstreamFailure('endpoint_fault', 'no_message', { status: 200 });
  }
  return parsed;
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new UpstreamFailure('endpoint_fault', 'broken_json', { status: 200, cause: error });
  }
}
