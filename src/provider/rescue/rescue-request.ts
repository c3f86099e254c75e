import { isRecord, type JsonRecord } from '../domain/json.js';
import type { ChunkReader } from '../sse/chunk-reader.js';
import type { Delivered } from './delivered.js';

/**
 * Whether a broken stream may be continued elsewhere at all: one choice of text, without tool calls or other output
 * begun, without a JSON format or log probabilities that the seam would falsify.
 */
export function isRescuable(body: Readonly<JsonRecord>, reader: ChunkReader, delivered: Delivered): boolean {
  const { n, response_format: format, logprobs } = body;
  if (typeof n === 'number' && n !== 1) return false;
  if (isRecord(format) && typeof format['type'] === 'string' && format['type'].startsWith('json')) return false;
  return logprobs !== true && !reader.hasToolCalls && !reader.hasOtherOutput && !delivered.isTruncated;
}

/**
 * The caller's request with what was delivered as the beginning of the answer. The output limits shrink by what has
 * been written already.
 */
export function prefillBody(body: Readonly<JsonRecord>, deliveredText: string, deliveredTokens: number): JsonRecord {
  const messages = Array.isArray(body['messages']) ? (body['messages'] as unknown[]) : [];
  const continued: JsonRecord = { ...body, messages: [...messages, { role: 'assistant', content: deliveredText }] };
  for (const field of ['max_tokens', 'max_completion_tokens']) {
    const limit = body[field];
    if (typeof limit === 'number') continued[field] = Math.max(1, limit - deliveredTokens);
  }
  return continued;
}
