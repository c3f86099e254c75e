const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** Within these many bytes a loop finds the end of a string faster than a call of the engine's search. */
const LOOPED_BYTES = 64;

/** 1 for digits, `+`, `-`, `.`, `e` and `E`. */
const NUMBER_BYTES = new Uint8Array(256);
for (const byte of Buffer.from('0123456789+-.eE')) NUMBER_BYTES[byte] = 1;

/** Whether a number can begin with a byte. */
export function beginsNumber(byte: number): boolean {
  return (byte >= ZERO && byte <= NINE) || byte === MINUS;
}

/** Whether a byte can be part of a number that has begun. */
export function isNumberByte(byte: number): boolean {
  return NUMBER_BYTES[byte] === 1;
}

/**
 * The place behind the quote that ends a string; the end of the bytes when it has no end.
 * @param at of the quote that begins it.
 */
export function endOfString(bytes: Buffer, at: number): number {
  let place = at + 1;
  for (;;) {
    const looped = Math.min(bytes.length, place + LOOPED_BYTES);
    while (place < looped) {
      const byte = bytes[place];
      if (byte === QUOTE) return place + 1;
      place += byte === BACKSLASH ? 2 : 1;
    }
    if (place >= bytes.length) return bytes.length;
    const quote = bytes.indexOf(QUOTE, place);
    if (quote === -1) return bytes.length;
    if (!isEscaped(bytes, quote, place)) return quote + 1;
    place = quote + 1;
  }
}

/** @param from where no escape is under way. */
function isEscaped(bytes: Buffer, quote: number, from: number): boolean {
  let at = quote;
  while (at > from && bytes[at - 1] === BACKSLASH) at -= 1;
  return (quote - at) % 2 === 1;
}

/** Whether there is nothing but white space. */
export function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
  }
  return true;
}

/** FNV-1a, 32 bits. */
export function nameHash(bytes: Buffer, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash;
}
