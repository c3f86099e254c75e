import { createHash } from 'node:crypto';

/** SHA-256 of a request's operation and body; the order of fields in the body does not matter. */
export function requestHash(operation: string, body: unknown): Buffer {
  return createHash('sha256').update(operation).update('\n').update(canonicalJson(body)).digest();
}

/** JSON with the fields of every object in order of their names. */
export function canonicalJson(value: unknown): string {
  const sorted = (_name: string, field: unknown): unknown =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).sort(([left], [right]) => (left < right ? -1 : 1)))
      : field;
  return JSON.stringify(value ?? null, sorted);
}
