import { UpstreamFailure } from '../domain/failure.js';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const COLON = 58;
const SPACE = 32;

/** Longest event, in bytes; an image or a long tool call in one event is far below. */
export const EVENT_BYTES_MAX = 8 * 1024 * 1024;

/** Called for each event that carries data, with its name (`message` when it has none). */
export type SseListener = (data: string, event: string) => void;

/**
 * Server-sent events from the bytes of an answer, however they are cut. Only whole lines are decoded, so a character
 * that is split between two reads is never broken: a line end is never part of one. Takes LF, CRLF and CR, several `data:`
 * lines, `data:` with and without a space; drops comments, ids, retry hints and events without data.
 */
export class SseParser {
  private rest: Buffer[] = [];
  private restBytes = 0;
  private data: string | null = null;
  private event = 'message';
  private eventChars = 0;
  private isFirstLine = true;
  /** The last read ended in a carriage return: a line feed that follows belongs to it. */
  private endsInReturn = false;

  constructor(
    private readonly listener: SseListener,
    private readonly eventBytesMax: number = EVENT_BYTES_MAX,
  ) {}

  /**
   * Reads one more piece of the answer.
   * @throws UpstreamFailure `event_too_large`.
   */
  push(read: Buffer): void {
    const chunk = this.endsInReturn && read[0] === LINE_FEED ? read.subarray(1) : read;
    this.endsInReturn = read.at(-1) === CARRIAGE_RETURN;
    const end = Math.max(chunk.lastIndexOf(LINE_FEED), chunk.lastIndexOf(CARRIAGE_RETURN));
    if (end === -1) return this.keep(chunk);
    const lines = chunk.subarray(0, end + 1);
    const text = this.restBytes === 0 ? lines.toString('utf8') : this.joinRest(lines);
    this.readLines(text);
    if (end + 1 < chunk.length) this.keep(chunk.subarray(end + 1));
  }

  /** The answer has ended: a last event without its empty line counts, as upstreams forget it. */
  end(): void {
    if (this.restBytes > 0) this.readLines(this.joinRest(Buffer.from('\n')));
    this.dispatch();
  }

  private keep(chunk: Buffer): void {
    this.rest.push(chunk);
    this.restBytes += chunk.length;
    this.checkSize(this.restBytes + this.eventChars);
  }

  private joinRest(lines: Buffer): string {
    const text = Buffer.concat([...this.rest, lines], this.restBytes + lines.length).toString('utf8');
    this.rest = [];
    this.restBytes = 0;
    return text;
  }

  private readLines(lines: string): void {
    const text = lines.includes('\r') ? lines.replaceAll(/\r\n?/g, '\n') : lines;
    let from = 0;
    for (let to = text.indexOf('\n'); to !== -1; to = text.indexOf('\n', from)) {
      if (to === from) this.dispatch();
      else this.readLine(text, from, to);
      from = to + 1;
    }
  }

  private readLine(text: string, start: number, end: number): void {
    let from = start;
    if (this.isFirstLine) {
      this.isFirstLine = false;
      if (text.charCodeAt(from) === 0xfeff) from += 1;
    }
    if (text.startsWith('data:', from)) return this.addData(valueAt(text, from + 5, end));
    if (text.charCodeAt(from) === COLON) return;
    if (text.startsWith('event:', from)) this.event = valueAt(text, from + 6, end);
  }

  private addData(value: string): void {
    this.data = this.data === null ? value : `${this.data}\n${value}`;
    this.eventChars += value.length;
    this.checkSize(this.eventChars);
  }

  private dispatch(): void {
    const { data, event } = this;
    this.data = null;
    this.event = 'message';
    this.eventChars = 0;
    if (data !== null && data !== '') this.listener(data, event);
  }

  private checkSize(bytes: number): void {
    if (bytes > this.eventBytesMax) throw new UpstreamFailure('endpoint_fault', 'event_too_large');
  }
}

function valueAt(text: string, start: number, end: number): string {
  return text.slice(text.charCodeAt(start) === SPACE ? start + 1 : start, end);
}
