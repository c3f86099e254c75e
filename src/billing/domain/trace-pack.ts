import { requestIdTimeMs } from '../../platform/ids/index.js';

/** A pack is read whole to find one of its lines. */
const LINES_MAX = 500;
const FIRST_BYTES = 16 * 1024;

/**
 * Traces of served requests that were received in one second, as UTF-8 bytes outside of the heap: nothing in here is carried
 * around by the garbage collector while it waits to be written. Each line is a line break, the id, a space and the JSON text,
 * which holds no line break itself.
 */
export class TracePack {
  private bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private usedBytes = 0;
  private count = 0;

  /** @param receivedS seconds since 1970. */
  constructor(readonly receivedS: number) {}

  get lines(): number {
    return this.count;
  }

  get isFull(): boolean {
    return this.count >= LINES_MAX;
  }

  /** All lines; valid until the next one is added. */
  get text(): Buffer {
    return this.bytes.subarray(0, this.usedBytes);
  }

  add(requestId: string, json: string): void {
    const head = `\n${requestId} `;
    this.makeRoom(Buffer.byteLength(head) + Buffer.byteLength(json));
    this.usedBytes += this.bytes.write(head, this.usedBytes);
    this.usedBytes += this.bytes.write(json, this.usedBytes);
    this.count += 1;
  }

  private makeRoom(sizeBytes: number): void {
    const neededBytes = this.usedBytes + sizeBytes;
    if (neededBytes <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.usedBytes);
    this.bytes = larger;
  }
}

/** Traces that wait to be written, in packs; the oldest first. */
export class WaitingPacks {
  private packs: TracePack[] = [];
  /** Of each second the pack that still takes lines. */
  private readonly open = new Map<number, TracePack>();
  private count = 0;

  get lines(): number {
    return this.count;
  }

  /** @param json text of the `RequestTrace`, as `JSON.stringify` writes it. */
  add(requestId: string, json: string): void {
    this.packOf(receivedSOf(requestId) ?? 0).add(requestId, json);
    this.count += 1;
  }

  /** Hands out the oldest packs, one at least when there is any; they take no more lines. */
  take(linesMax: number): TracePack[] {
    let lines = 0;
    const end = this.packs.findIndex((pack, at) => (lines += pack.lines) > linesMax && at > 0);
    const taken = this.packs.splice(0, end < 0 ? this.packs.length : end);
    for (const pack of taken) {
      this.count -= pack.lines;
      if (this.open.get(pack.receivedS) === pack) this.open.delete(pack.receivedS);
    }
    return taken;
  }

  /** Packs that were taken and could not be written. */
  putBack(packs: readonly TracePack[]): void {
    this.packs = [...packs, ...this.packs];
    for (const pack of packs) this.count += pack.lines;
  }

  private packOf(receivedS: number): TracePack {
    const known = this.open.get(receivedS);
    if (known?.isFull === false) return known;
    const pack = new TracePack(receivedS);
    this.open.set(receivedS, pack);
    this.packs.push(pack);
    return pack;
  }
}

/** The JSON text of a request in the text of a pack; `null` when it is not there. */
export function lineOf(packText: string, requestId: string): string | null {
  const head = `\n${requestId} `;
  const at = packText.indexOf(head);
  if (at < 0) return null;
  const end = packText.indexOf('\n', at + head.length);
  return packText.slice(at + head.length, end < 0 ? undefined : end);
}

/** The second in which a request was received, by its id; `null` for any other text. */
export function receivedSOf(requestId: string): number | null {
  const timeMs = requestIdTimeMs(requestId);
  return timeMs === null ? null : Math.floor(timeMs / 1000);
}
