import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { SseParser } from '../../sse/sse-parser.js';
import { readAnswer, readEvent } from '../../transport/answer-json.js';

/**
 * Brings the events or the body of one answer, in a vendor's own form, into the strict one that the AI SDK insists on: a missing
 * usage is filled in, what is newer than this program is left out.
 */
export interface Mender {
  /** @returns the very same object when nothing was wrong; `null` when it is to be left out. */
  mend(payload: JsonRecord): JsonRecord | null;
  /** The end mark, when the answer is whole without it; `null` when it had its own, or is not whole. */
  ending(): JsonRecord | null;
}

/** For vendors whose answers need none. */
export const NO_MENDER: Mender = { mend: (payload) => payload, ending: () => null };

/** A stream of events on its way to the SDK: of bounded size each, nothing but JSON objects, mended. */
export class EventFilter {
  /** Why no more events come; those before it have been handed out. */
  broken: Error | null = null;
  private passed = '';
  private readonly parser = new SseParser((data) => this.onEvent(data));

  constructor(private readonly mender: Mender) {}

  /** @returns the events that these bytes complete, often none. */
  push(bytes: Buffer): string {
    return this.take(() => this.parser.push(bytes));
  }

  /** @returns what is left when no more bytes come: an event without its empty line, a missing end mark. */
  end(): string {
    const last = this.take(() => this.parser.end());
    const ending = this.broken === null ? this.mender.ending() : null;
    return ending === null ? last : `${last}data: ${JSON.stringify(ending)}\n\n`;
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
    const payload = readEvent(data);
    const mended = this.mender.mend(payload);
    if (mended === null) return;
    const text = mended === payload && !data.includes('\n') ? data : JSON.stringify(mended);
    this.passed += `data: ${text}\n\n`;
  }
}

/**
 * A whole body on its way to the SDK.
 * @throws UpstreamFailure when it is no answer.
 */
export async function mendBody(body: Buffer, mender: Mender): Promise<string> {
  const payload = await readAnswer(body, true);
  if (isRecord(payload['error'])) throw new UpstreamFailure('endpoint_fault', 'error_in_answer', { status: 200 });
  const mended = mender.mend(payload);
  return mended === payload ? body.toString('utf8') : JSON.stringify(mended ?? {});
}
