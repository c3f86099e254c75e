import { parseExactly } from './exact-numbers.js';
import type { JsonBounds } from './json-bounds.js';
import { JsonScan, type LargeNode, type Segment } from './json-scan.js';
import { TimeSlices } from './time-slices.js';

/** What is parsed at once: 20 ms at worst, where every member has a name of its own. */
const SEGMENT_BYTES = 64 * 1024;
/** What is looked through between two looks at the clock. */
const SCAN_BYTES = 64 * 1024;

export interface ReadOptions {
  bounds: JsonBounds;
  /** Numbers that no double holds stay text, so that the value can be written again. */
  isExact?: boolean;
}

/**
 * Parses a JSON text in UTF-8, in slices where it is long: the event loop is never held for more than some milliseconds. A byte
 * order mark is overlooked (RFC 8259 §8.1).
 * @throws JsonBoundsError before anything is built; SyntaxError when the text is not JSON.
 */
export async function readJson(bytes: Buffer, options: ReadOptions): Promise<unknown> {
  const from = textStart(bytes);
  const scan = new JsonScan(bytes, options.bounds, from, SEGMENT_BYTES);
  const slices = new TimeSlices();
  if (bytes.length > SCAN_BYTES) await slices.next();
  while (!scan.advance(SCAN_BYTES)) await slices.pause();
  const reader = new SegmentReader(bytes, scan.inexact, slices, options.isExact ?? false);
  if (scan.root === null) return reader.parse(from, bytes.length);
  const value = await reader.build(scan.root);
  // What is done with a long text takes its time, too.
  await slices.next();
  return value;
}

/**
 * Looks whether a JSON text is within its bounds, at once: for texts that are parsed at once as well.
 * @throws JsonBoundsError; SyntaxError when brackets do not match.
 */
export function checkJson(bytes: Buffer, bounds: JsonBounds): void {
  new JsonScan(bytes, bounds, 0, Number.POSITIVE_INFINITY).advance(Number.POSITIVE_INFINITY);
}

function textStart(bytes: Buffer): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

/** Builds a value from its segments; the engine parses each of them. */
class SegmentReader {
  private nextInexact = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly inexact: readonly number[],
    private readonly slices: TimeSlices,
    private readonly isExact: boolean,
  ) {}

  async build(node: LargeNode): Promise<unknown> {
    return node.isArray ? this.buildArray(node) : this.buildObject(node);
  }

  /** Parses a part of the text; parts are parsed in their order. */
  async parse(start: number, end: number): Promise<unknown> {
    const text = this.bytes.toString('utf8', start, end);
    // To decode a long string takes about as long as to parse it.
    await this.slices.pause();
    return this.isExact && this.hasInexact(end) ? parseExactly(text) : JSON.parse(text);
  }

  private async buildArray({ segments }: LargeNode): Promise<unknown[]> {
    const list: unknown[] = [];
    for (const segment of segments) {
      const { large } = segment;
      const items = (await this.parseMembers(segment, '[', ']')) as unknown[];
      if (large === null) for (const item of items) list.push(item);
      else list.push(await this.build(large));
    }
    return list;
  }

  private async buildObject({ segments }: LargeNode): Promise<Record<string, unknown>> {
    const record: Record<string, unknown> = {};
    for (const segment of segments) {
      const { large } = segment;
      const members = (await this.parseMembers(segment, '{', '}')) as object;
      for (const [name, value] of Object.entries(members)) {
        set(record, name, large === null ? value : await this.build(large));
      }
    }
    return record;
  }

  /** Members as an object or array of their own; a large value is left for later, a zero stands in its place. */
  private async parseMembers({ start, end, large }: Segment, open: string, close: string): Promise<unknown> {
    await this.slices.pause();
    if (large !== null) return JSON.parse(`${open}${this.bytes.toString('utf8', start, large.start)}0${close}`);
    // What stands around them is a comma or a bracket: to overwrite it for a moment spares a copy of the text.
    const [before, behind] = [this.bytes[start - 1], this.bytes[end]];
    this.bytes.write(open, start - 1);
    this.bytes.write(close, end);
    const parsed = this.parse(start - 1, end + 1);
    this.bytes[start - 1] = before as number;
    this.bytes[end] = behind as number;
    return parsed;
  }

  private hasInexact(end: number): boolean {
    const first = this.inexact[this.nextInexact];
    if (first === undefined || first >= end) return false;
    while ((this.inexact[this.nextInexact] ?? end) < end) this.nextInexact += 1;
    return true;
  }
}

/** As `JSON.parse` does it: `__proto__` is a member like any other. */
function set(record: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== '__proto__') record[name] = value;
  else Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true });
}
