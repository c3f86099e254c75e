/** White space and a byte order mark, which may come before every form. */
const BLANK: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);

/** What a body is by its first character; content types prove nothing. */
export type BodyForm = 'events' | 'json' | 'html';

/** @returns `null` while nothing but blanks has come. */
export function formOf(begin: Buffer): BodyForm | null {
  switch (begin.find((byte) => !BLANK.has(byte))) {
    case undefined:
      return null;
    case 0x7b: // {
    case 0x5b: // [
      return 'json';
    case 0x3c: // <
      return 'html';
    default:
      return 'events';
  }
}

/** A body from its first character on. */
export function withoutBlanks(body: Buffer): Buffer {
  return body.subarray(
    Math.max(
      0,
      body.findIndex((byte) => !BLANK.has(byte)),
    ),
  );
}
