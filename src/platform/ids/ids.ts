import { randomBytes } from 'node:crypto';

/** Prefix of the gateway's own request id (`X-DAOE-Request-ID`); a caller's id never wins a look-up against it. */
export const REQUEST_ID_PREFIX = 'gwr_';

/** Prefix of the caller's label when the caller sent none. */
export const CLIENT_REQUEST_ID_PREFIX = 'req-';

const POOL_SIZE_BYTES = 4096;
let pool = Buffer.alloc(0);
let poolOffset = 0;

/** Random bytes from a refilled pool: one system call for hundreds of ids. */
function takeRandom(sizeBytes: number): Buffer {
  if (poolOffset + sizeBytes > pool.length) {
    pool = randomBytes(POOL_SIZE_BYTES);
    poolOffset = 0;
  }
  const bytes = pool.subarray(poolOffset, poolOffset + sizeBytes);
  poolOffset += sizeBytes;
  return bytes;
}

/** 32 hex digits of a version 7 UUID (RFC 9562): sorted by creation time to the millisecond. */
function uuidV7Hex(nowMs: number): string {
  const random = takeRandom(10);
  const time = nowMs.toString(16).padStart(12, '0');
  const versioned = (0x7000 | (random.readUInt16BE(0) & 0x0fff)).toString(16);
  const variant = (0x8000 | (random.readUInt16BE(2) & 0x3fff)).toString(16);
  return time + versioned + variant + random.toString('hex', 4, 10);
}

/** A new entity id: UUID version 7. */
export function newId(nowMs: number = Date.now()): string {
  const hex = uuidV7Hex(nowMs);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** A new gateway request id: the prefix and 32 hex digits, sorted by creation time. */
export function newRequestId(nowMs: number = Date.now()): string {
  return REQUEST_ID_PREFIX + uuidV7Hex(nowMs);
}

/** The smallest gateway request id that can have been made at `timeMs`; turns a time filter into a key range. */
export function requestIdFloor(timeMs: number): string {
  return REQUEST_ID_PREFIX + Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0') + '0'.repeat(20);
}

const REQUEST_ID_PATTERN = new RegExp(`^${REQUEST_ID_PREFIX}([0-9a-f]{12})[0-9a-f]{20}$`);

/** When a gateway request id was made, in milliseconds; `null` for any other text. */
export function requestIdTimeMs(requestId: string): number | null {
  const time = REQUEST_ID_PATTERN.exec(requestId)?.[1];
  return time === undefined ? null : Number.parseInt(time, 16);
}

/** The smallest entity id that can have been made at `timeMs`. */
export function idFloor(timeMs: number): string {
  const time = Math.max(0, Math.floor(timeMs)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** A label for a caller that sent no usable `X-Request-ID`. */
export function newClientRequestId(): string {
  return CLIENT_REQUEST_ID_PREFIX + takeRandom(12).toString('hex');
}

const LABEL_PATTERN = /^[\x21-\x7e]{1,128}$/;

/** Whether a text can be the id of a request at all, ours or a caller's: 1 to 128 visible ASCII characters. */
export function isRequestLabel(text: string): boolean {
  return LABEL_PATTERN.test(text);
}

const UUID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether a text can be an entity id at all; anything else names nothing, and must not reach a `uuid` column. */
export function isUuid(text: string): boolean {
  return UUID_PATTERN.test(text);
}
