import { EXACT_CHARS, isExact } from './exact-numbers.js';
import { JsonBoundsError, NUMBER_CHARS_MAX, type JsonBounds } from './json-bounds.js';
import { beginsNumber, endOfString, isBlank, isNumberByte, nameHash } from './json-bytes.js';

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const LOWER_E = 0x65;

/** A part of a text that is parsed at once: some members of an object or array, or one that is large itself. */
export interface Segment {
  start: number;
  end: number;
  large: LargeNode | null;
}

/** An object or array that is too large to be parsed at once. */
export interface LargeNode {
  start: number;
  isArray: boolean;
  segments: readonly Segment[];
}

interface Frame {
  start: number;
  isArray: boolean;
  /** Where the segment that is under way begins. */
  segmentStart: number;
  /** Where the member that is under way begins. */
  memberStart: number;
  /** The next string is the name of a member. */
  expectsName: boolean;
  /** The last member is a segment of its own, and a comma or the end has to follow. */
  isAfterLarge: boolean;
  segments: Segment[];
}

/**
 * Looks through a JSON text in UTF-8 once, without building anything: is it within its bounds, where can it be cut, and which
 * numbers does no double hold? It does not validate the text; the parser of the parts does.
 */
export class JsonScan {
  /** The text as parts, when it is longer than one; else `null`. */
  root: LargeNode | null = null;
  /** Places of numbers that no double holds, in order. */
  readonly inexact: number[] = [];
  private at: number;
  private depth = 0;
  private members = 0;
  private values = 0;
  private rootEnd = -1;
  private readonly names = new Set<number>();
  private readonly frames: Frame[] = [];

  /**
   * @param from where the text begins in the bytes.
   * @param segmentBytes how much may be parsed at once.
   */
  constructor(
    private readonly bytes: Buffer,
    private readonly bounds: JsonBounds,
    private readonly from: number,
    private readonly segmentBytes: number,
  ) {
    this.at = from;
  }

  /**
   * Looks at about so many more bytes.
   * @returns whether the end was reached.
   * @throws JsonBoundsError; SyntaxError when brackets do not match.
   */
  advance(bytesMax: number): boolean {
    const { bytes } = this;
    const until = Math.min(bytes.length, this.at + bytesMax);
    let { at } = this;
    while (at < until) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) at = this.string(at);
      else if (byte === COMMA) this.comma(at++);
      else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) this.open(at++, byte === OPEN_ARRAY);
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) this.close(at++, byte === CLOSE_ARRAY);
      else if (beginsNumber(byte)) at = this.number(at);
      else at += 1;
    }
    this.at = at;
    if (at < bytes.length) return false;
    if (this.depth > 0) throw new SyntaxError('the JSON text is cut off');
    if (this.root !== null) this.checkAround();
    return true;
  }

  /** @returns the place behind the string. */
  private string(at: number): number {
    const end = endOfString(this.bytes, at);
    const frame = this.frame();
    if (frame?.expectsName === true) {
      frame.expectsName = false;
      this.members += 1;
      if (this.members > this.bounds.members) throw new JsonBoundsError('members', this.bounds.members);
      this.names.add(nameHash(this.bytes, at + 1, end - 1));
      if (this.names.size > this.bounds.names) throw new JsonBoundsError('names', this.bounds.names);
    }
    return end;
  }

  /** @returns the place behind the number. */
  private number(at: number): number {
    const { bytes } = this;
    let end = at;
    let hasExponent = false;
    while (end < bytes.length && isNumberByte(bytes[end] as number)) {
      if (((bytes[end] as number) | 0x20) === LOWER_E) hasExponent = true;
      end += 1;
      if (end - at > NUMBER_CHARS_MAX) throw new JsonBoundsError('number', NUMBER_CHARS_MAX);
    }
    if ((hasExponent || end - at > EXACT_CHARS) && !isExact(bytes.toString('latin1', at, end))) this.inexact.push(at);
    return end;
  }

  private comma(at: number): void {
    this.count();
    const frame = this.frame();
    if (frame === undefined) throw new SyntaxError('a comma outside of any object or array');
    frame.expectsName = !frame.isArray;
    frame.memberStart = at + 1;
    if (frame.isAfterLarge) {
      this.checkBlank(frame.segmentStart, at);
      frame.isAfterLarge = false;
      frame.segmentStart = at + 1;
    } else if (at - frame.segmentStart >= this.segmentBytes) {
      frame.segments.push({ start: frame.segmentStart, end: at, large: null });
      frame.segmentStart = at + 1;
    }
  }

  private open(at: number, isArray: boolean): void {
    this.count();
    if (this.rootEnd >= 0) throw new SyntaxError('more than one JSON text');
    if (this.depth >= this.bounds.depth) throw new JsonBoundsError('depth', this.bounds.depth);
    const frame = (this.frames[this.depth] ??= newFrame());
    frame.start = at;
    frame.isArray = isArray;
    frame.segmentStart = at + 1;
    frame.memberStart = at + 1;
    frame.expectsName = !isArray;
    frame.isAfterLarge = false;
    if (frame.segments.length > 0) frame.segments = [];
    this.depth += 1;
  }

  private close(at: number, isArray: boolean): void {
    const frame = this.frame();
    if (frame === undefined || frame.isArray !== isArray) throw new SyntaxError('brackets that do not match');
    this.depth -= 1;
    const large = at - frame.start > this.segmentBytes ? this.largeNode(frame, at) : null;
    if (this.depth === 0) {
      this.root = large;
      this.rootEnd = at + 1;
    } else if (large !== null) this.keepApart(this.frames[this.depth - 1] as Frame, large, at + 1);
  }

  private largeNode(frame: Frame, at: number): LargeNode {
    const { start, isArray, segments, segmentStart, isAfterLarge } = frame;
    if (isAfterLarge) this.checkBlank(segmentStart, at);
    else if (segments.length > 0 && isBlank(this.bytes, segmentStart, at)) throw new SyntaxError('a comma at the end');
    else segments.push({ start: segmentStart, end: at, large: null });
    return { start, isArray, segments };
  }

  private keepApart(parent: Frame, large: LargeNode, end: number): void {
    if (parent.isAfterLarge) throw new SyntaxError('a comma is missing');
    const { segmentStart, memberStart, segments } = parent;
    if (memberStart > segmentStart) segments.push({ start: segmentStart, end: memberStart - 1, large: null });
    segments.push({ start: memberStart, end, large });
    parent.segmentStart = end;
    parent.isAfterLarge = true;
  }

  private checkAround(): void {
    this.checkBlank(this.from, (this.root as LargeNode).start);
    this.checkBlank(this.rootEnd, this.bytes.length);
  }

  private checkBlank(from: number, to: number): void {
    if (!isBlank(this.bytes, from, to)) throw new SyntaxError('something between two values');
  }

  private count(): void {
    this.values += 1;
    if (this.values > this.bounds.values) throw new JsonBoundsError('values', this.bounds.values);
  }

  private frame(): Frame | undefined {
    return this.depth === 0 ? undefined : this.frames[this.depth - 1];
  }
}

function newFrame(): Frame {
  return {
    start: 0,
    isArray: false,
    segmentStart: 0,
    memberStart: 0,
    expectsName: false,
    isAfterLarge: false,
    segments: [],
  };
}
