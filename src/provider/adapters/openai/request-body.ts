import { isRecord, type JsonRecord } from '../../domain/json.js';

/**
 * The caller's body as an upstream is to receive it: its own model name, and for streams always the usage chunk.
 * Everything else, known or not, is left as it is. `stream_options` without `stream` is never sent: some upstreams
 * answer 400 to it.
 */
export function upstreamBody(body: Readonly<JsonRecord>, upstreamModel: string, stream: boolean): JsonRecord {
  const written: JsonRecord = { ...body, model: upstreamModel };
  if (!stream) {
    delete written['stream_options'];
    if (written['stream'] === true) written['stream'] = false;
    return written;
  }
  written['stream'] = true;
  const options = isRecord(body['stream_options']) ? body['stream_options'] : {};
  written['stream_options'] = { ...options, include_usage: true };
  return written;
}
