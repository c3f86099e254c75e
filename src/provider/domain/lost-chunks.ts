import { isRecord, type JsonRecord } from './json.js';

/** A server loses a few chunks by accident, not more. */
export const LOST_CHUNKS_MAX = 3;

/**
 * Whether an answer is still worth something when an unreadable chunk is left out of it: a text is. The arguments of a call, or a JSON
 * document, would be corrupt and look complete.
 */
export function mayLoseChunks(body: Readonly<JsonRecord>): boolean {
  const { tools, functions, response_format: format } = body;
  if ([tools, functions].some((list) => Array.isArray(list) && list.length > 0)) return false;
  return !isRecord(format) || format['type'] === 'text';
}
