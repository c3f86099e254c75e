import type { IncomingHttpHeaders } from 'node:http';
import type { KeySource } from '../../auth/index.js';

const BEARER_PATTERN = /^bearer[ ]+(.+)$/i;

/**
 * Finds the API key of a request. `X-API-Key` wins over `Authorization: Bearer` when both are present.
 * @returns the key as presented, or `null` with source `none`.
 */
export function readKey(headers: IncomingHttpHeaders): { source: KeySource; key: string | null } {
  const header = headers['x-api-key'];
  const direct = (Array.isArray(header) ? header[0] : header)?.trim();
  if (direct !== undefined && direct !== '') return { source: 'x-api-key', key: direct };
  const bearer = BEARER_PATTERN.exec(headers.authorization?.trim() ?? '')?.[1]?.trim();
  if (bearer !== undefined && bearer !== '') return { source: 'bearer', key: bearer };
  return { source: 'none', key: null };
}
