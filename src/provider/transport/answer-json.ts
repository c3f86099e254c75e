import { checkJson, JsonBoundsError, readJson, type JsonBounds } from '../../platform/json/index.js';
import { UpstreamFailure } from '../domain/failure.js';
import { isRecord, type JsonRecord } from '../domain/json.js';

/**
 * A whole answer, which is parsed in slices: log probabilities of long texts have millions of values. What is nested deeper cannot
 * be written again for the caller.
 */
const ANSWER_BOUNDS: JsonBounds = { depth: 200, members: 1_000_000, names: 65_536, values: 2_000_000 };

/** One event, or an answer that an SDK reads: it is parsed at once, also by code that is not ours. */
const PARSED_AT_ONCE: JsonBounds = { depth: 200, members: 16_384, names: 4_096, values: 32_768 };

/** A shorter text is within these bounds, whatever it says, but for a depth that every step here can take. */
const UNCHECKED_CHARS = 4_096;

/**
 * Reads a whole answer, with or without a byte order mark.
 * @param isReadByOthers it is also parsed at once by code that is not ours.
 * @throws UpstreamFailure `broken_json` when it is not a JSON object; `answer_too_complex`.
 */
export async function readAnswer(body: Buffer, isReadByOthers = false): Promise<JsonRecord> {
  let parsed: unknown;
  try {
    parsed = await readJson(withoutMark(body), { bounds: isReadByOthers ? PARSED_AT_ONCE : ANSWER_BOUNDS });
  } catch (error) {
    const reason = error instanceof JsonBoundsError ? 'answer_too_complex' : 'broken_json';
    throw new UpstreamFailure('endpoint_fault', reason, { status: 200, cause: error });
  }
  if (!isRecord(parsed)) throw new UpstreamFailure('endpoint_fault', 'broken_json', { status: 200 });
  return parsed;
}

function withoutMark(body: Buffer): Buffer {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

/**
 * Reads one event of a stream.
 * @throws UpstreamFailure `malformed_chunk` when it is not a JSON object; `event_too_complex`.
 */
export function readEvent(data: string): JsonRecord {
  let parsed: unknown;
  try {
    if (data.length > UNCHECKED_CHARS) checkJson(Buffer.from(data), PARSED_AT_ONCE);
    parsed = JSON.parse(data);
  } catch (error) {
    const reason = error instanceof JsonBoundsError ? 'event_too_complex' : 'malformed_chunk';
    throw new UpstreamFailure('endpoint_fault', reason, { status: 200, cause: error });
  }
  if (!isRecord(parsed)) throw new UpstreamFailure('endpoint_fault', 'malformed_chunk', { status: 200 });
  return parsed;
}
