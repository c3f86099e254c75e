import { createHash } from 'node:crypto';
import { AppError } from '../../platform/errors/index.js';
import { canonicalJson } from '../idempotency/request-hash.js';
import { ValidationError } from '../problem/validation-error.js';

/** Fields of a view that change without anybody changing the resource, or that are shown only once. */
const UNVERSIONED_FIELDS: ReadonlySet<string> = new Set([
  'last_used_at',
  'key',
  'token',
  'secret',
  'replayed',
  'available',
  'frozen',
  'failing_since',
  'last_error',
]);

const TAG_CHARS = 22;
const HEADER_LENGTH_MAX = 4_096;
const TAG_LIST = /^\s*(?:W\/)?"[\x21\x23-\x7e]*"(?:\s*,\s*(?:W\/)?"[\x21\x23-\x7e]*")*\s*$/;
const TAG = /(W\/)?("[\x21\x23-\x7e]*")/g;

/** The `ETag` of a resource as it is shown: a strong one, equal exactly when nothing that can be changed differs. */
export function entityTagOf(view: unknown): string {
  const fields = Object.entries(view as object).filter(([name]) => !UNVERSIONED_FIELDS.has(name));
  const hash = createHash('sha256')
    .update(canonicalJson(Object.fromEntries(fields)))
    .digest('base64url');
  return `"${hash.slice(0, TAG_CHARS)}"`;
}

/**
 * Refuses a write whose caller saw the resource in another state. Weak tags never match (RFC 9110 §13.1.1).
 * @param header `If-Match` as sent.
 * @param view the resource before the write; `null` when there is none.
 * @throws AppError `precondition_failed`; ValidationError when the header is no list of entity tags.
 */
export function assertIfMatch(header: string | undefined, view: unknown): void {
  if (header === undefined) return;
  const tags = tagsOf('If-Match', header);
  const isMatch =
    view !== null && (tags === '*' || tags.some(({ tag, isWeak }) => !isWeak && tag === entityTagOf(view)));
  if (isMatch) return;
  throw new AppError('precondition_failed', 'the resource is not in the state that If-Match names', {
    code: 'precondition_failed',
    hint: 'Read it again and send the ETag of that answer.',
  });
}

/**
 * Whether the caller of a read has the resource as it is already; weak tags match too (RFC 9110 §13.1.2).
 * @throws ValidationError when the header is no list of entity tags.
 */
export function isNoneMatched(header: string | undefined, entityTag: string): boolean {
  if (header === undefined) return false;
  const tags = tagsOf('If-None-Match', header);
  return tags === '*' || tags.some(({ tag }) => tag === entityTag);
}

function tagsOf(name: string, header: string): '*' | { tag: string; isWeak: boolean }[] {
  if (header.trim() === '*') return '*';
  if (header.length > HEADER_LENGTH_MAX || !TAG_LIST.test(header)) {
    throw new ValidationError([{ path: name, code: 'invalid_header', message: 'must be * or a list of entity tags' }]);
  }
  return [...header.matchAll(TAG)].map(([, weak, tag = '']) => ({ tag, isWeak: weak !== undefined }));
}
