import type { CallerFault } from './failure.js';
import { isRecord, parseJsonOrNull } from './json.js';

const MESSAGE_CHARS_MAX = 500;
const LABEL = /^[\w.[\]-]{1,128}$/;
const DETAILS_MAX = 5;
const FALLBACK = 'the provider refused this request';

/**
 * What must not reach a caller, in the order in which it is cut out. A run of characters is tried at its beginning only: tried at
 * each of its places, a long one takes quadratic time.
 */
const PRIVATE: readonly RegExp[] = [
  // URLs and what looks like a header with a credential.
  /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>)\]}]*/gi,
  /\b(?:bearer|basic)\s+[\w.~+/=-]{6,}/gi,
  // Keys: what is said to be one, sk-…, AKIA…, key_…, masked ones, and any long run of random characters (a JWT, a hash).
  /(?<=\b(?:api[ _-]?key|access token|secret)(?: provided)?\s*[:=]\s*['"`]?)[^\s'"`,;]{2,}/gi,
  /\b(?:sk|pk|rk|jt|ja|gsk|xai)[-_][\w*.…-]+/gi,
  /\b[\w-]{1,40}(?:\*{2,}|…|\.{3}(?=\w))[\w*-]*|\*{3,}[\w-]+/g,
  /\b(?:key|tok|token|api[_-]?key)[-_](?=[\w*.-]*\d)[\w*.-]{6,}/gi,
  /\b[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}(?:\.[A-Za-z0-9_-]+)?/g,
  /(?<![\w+/-])(?=[\w+/-]*\d)[\w+/-]{32,}={0,2}/g,
  // Addresses and names of machines, with their port.
  /\[?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:\d{1,3}(?:\.\d{1,3}){3})?\]?(?::\d{1,5})?/gi,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g,
  /(?<![\w-])(?:[a-z0-9_-]+\.)+(?:com|net|org|io|ai|dev|app|cloud|cn|co|eu|de|uk|us|fr|ru|jp|in|info|biz|internal|local|localdomain|lan|corp|home|intra|private|svc|cluster|consul|example|test|invalid)\b(?::\d{1,5})?\.?/gi,
  /(?<![\w-])[\w-]+:\d{2,5}\b/gi,
  /\blocalhost\b/gi,
];

/**
 * What an upstream says about a request it refuses, from its error body: OpenAI's, or the forms that compatible servers
 * use (`{"error":"…"}`, `{"message":"…"}`, `{"detail":…}`).
 */
export function readCallerFault(bodyText: string): CallerFault {
  return callerFaultOf(parseJsonOrNull(bodyText));
}

/** The same of a parsed body. Google's OpenAI-compatible endpoint puts its error into a list. */
export function callerFaultOf(listed: unknown): CallerFault {
  const body: unknown = Array.isArray(listed) ? listed[0] : listed;
  const error = isRecord(body) ? (body['error'] ?? body) : null;
  if (typeof error === 'string') return { message: cleanMessage(error), code: null, param: null };
  if (!isRecord(error)) return { message: FALLBACK, code: null, param: null };
  const { message: said } = error;
  const details = detailsOf(isRecord(said) ? said['detail'] : error['detail']);
  const message = typeof said === 'string' ? said : details.map(({ where, what }) => where + what).join('; ');
  return {
    message: cleanMessage(message),
    code: labelOf(error['code']),
    param: labelOf(error['param']) ?? labelOf(details[0]?.where.replace(/: $/, '')),
  };
}

/** An upstream's sentence without URLs, hosts, addresses and keys, of bounded length; never empty. */
export function cleanMessage(text: string): string {
  let cleaned = text.slice(0, MESSAGE_CHARS_MAX * 4);
  for (const pattern of PRIVATE) cleaned = cleaned.replace(pattern, '[removed]');
  cleaned = cleaned.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  if (cleaned.length > MESSAGE_CHARS_MAX) cleaned = `${cleaned.slice(0, MESSAGE_CHARS_MAX)}…`;
  return cleaned === '' ? FALLBACK : cleaned;
}

/** FastAPI servers answer `{"detail": "…"}` or a list of `{loc, msg}`; Mistral puts that where the message belongs. */
function detailsOf(detail: unknown): { where: string; what: string }[] {
  const list: unknown[] = Array.isArray(detail) ? detail.slice(0, DETAILS_MAX) : [detail];
  return list.flatMap((item) => {
    if (typeof item === 'string') return [{ where: '', what: item }];
    if (!isRecord(item) || typeof item['msg'] !== 'string') return [];
    const path = Array.isArray(item['loc']) ? item['loc'].filter((part) => part !== 'body').join('.') : '';
    return [{ where: path === '' ? '' : `${path}: `, what: item['msg'] }];
  });
}

function labelOf(value: unknown): string | null {
  return typeof value === 'string' && LABEL.test(value) && cleanMessage(value) === value ? value : null;
}
