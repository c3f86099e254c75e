import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { SseParser } from '../../sse/sse-parser.js';

/**
 * Brings an event or body of a vendor's own form into the strict one that the AI SDK insists on: a missing usage is filled
 * with zeros, what is newer than this program is left out.
 * @returns the very same object when nothing was wrong; `null` when it is to be left out.
 */
export type Mend = (payload: JsonRecord) => JsonRecord | null;

/** A stream of events on its way to the SDK: of bounded size each, nothing but JSON objects, mended. */
export class EventFilter {
  /** Why no more events come; those before it have been handed out. */
  broken: Error | null = null;
  private passed = '';
  private readonly parser = new SseParser((data) => this.onEvent(data));

  constructor(private readonly mend: Mend) {}

  /** @returns the events that these bytes complete, often none. */
  push(bytes: Buffer): string {
    return this.take(() => this.parser.push(bytes));
  }

  /**
   * @returns the last event, when it lacks its empty line.
   * @throws UpstreamFailure when that is broken.
   */
  end(): string {
    const text = this.take(() => this.parser.end());
    if (this.broken !== null) throw this.broken;
    return text;
  }

  private take(read: () => void): string {
    this.passed = '';
    try {
      read();
    } catch (error) {
      this.broken = error as Error;
    }
    return this.passed;
  }

  private onEvent(data: string): void {
    if (this.broken !== null) return;
    const payload = parseRecord(data, 'malformed_chunk');
    const mended = this.mend(payload);
    if (mended === null) return;
    const text = mended === payload && !data.includes('\n') ? data : JSON.stringify(mended);
    this.passed += `data: ${text}\n\n`;
  }
}

/**
 * A whole body on its way to the SDK.
 * @throws UpstreamFailure when it is no answer.
 */
export function mendBody(body: Buffer, mend: Mend): string {
  const text = body.toString('utf8');
  const payload = parseRecord(text, 'broken_json');
  if (isRecord(payload['error'])) throw new UpstreamFailure('endpoint_fault', 'error_in_answer', { status: 200 });
  const mended = mend(payload);
  return mended === payload ? text : JSON.stringify(mended ?? {});
}

function parseRecord(text: string, reason: string): JsonRecord {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UpstreamFailure('endpoint_fault', reason, { status: 200, cause: error });
  }
  if (!isRecord(parsed)) throw new UpstreamFailure('endpoint_fault', reason, { status: 200 });
  return parsed;
}
