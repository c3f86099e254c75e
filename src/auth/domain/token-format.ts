import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Prefix tells people and secret scanners what they look at. */
export type TokenPrefix = 'jt_' | 'ja_';
export const API_KEY_PREFIX: TokenPrefix = 'jt_';
export const ADMIN_TOKEN_PREFIX: TokenPrefix = 'ja_';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 32 characters of base62 are 190 bits. */
const RANDOM_CHARS = 32;
/** 62^6 > 2^32: six characters hold any CRC-32. */
const CHECKSUM_CHARS = 6;
const TOKEN_PATTERN = /^j[ta]_[0-9A-Za-z]{38}$/;
/** Largest multiple of 62 in a byte; bytes above it would favour the first characters. */
const UNBIASED_BYTE_MAX = 248;

/** A new secret: prefix, 32 random characters of base62, and their checksum. */
export function newToken(prefix: TokenPrefix): string {
  const body = prefix + randomBase62(RANDOM_CHARS);
  return body + checksumOf(body);
}

/** Whether a text has the form and the checksum of a token; a mistyped or invented one costs no look-up. */
export function isWellFormedToken(text: string, prefix: TokenPrefix): boolean {
  if (!text.startsWith(prefix) || !TOKEN_PATTERN.test(text)) return false;
  const body = text.slice(0, -CHECKSUM_CHARS);
  return text.endsWith(checksumOf(body));
}

/** What may be shown of a token for ever, e.g. `jt_AbCd…wxyz`. */
export function displayOfToken(token: string): string {
  return `${token.slice(0, 7)}…${token.slice(-4)}`;
}

/** CRC-32 in base62. It guards against typing errors, not against attackers: the random part does that. */
function checksumOf(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < CHECKSUM_CHARS; place++) {
    text = BASE62.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}

function randomBase62(length: number): string {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < UNBIASED_BYTE_MAX && text.length < length) text += BASE62.charAt(byte % 62);
    }
  }
  return text;
}
