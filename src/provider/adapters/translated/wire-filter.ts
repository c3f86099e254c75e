import { UpstreamFailure } from '../../domain/failure.js';
import { failureOfPayload } from '../../domain/error-payload.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { LOST_CHUNKS_MAX } from '../../domain/lost-chunks.js';
import { formOf, withoutBlanks, type BodyForm } from '../../sse/body-form.js';
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
  /** The events that a whole answer would have come as, for a server that ignores that a stream was asked for. */
  eventsOf(whole: JsonRecord): JsonRecord[];
}

/** For vendors whose answers need none. */
export const NO_MENDER: Mender = {
  mend: (payload) => payload,
  ending: () => null,
  eventsOf: (whole) => [whole],
};

/** A stream of events on its way to the SDK: of bounded size each, nothing but JSON objects, mended. */
export class EventFilter {
  /** Why no more events come; those before it have been handed out. */
  broken: Error | null = null;
  /** The last event that was not JSON and was left out. */
  lost: Error | null = null;
  lostCount = 0;
  private passed = '';
  private form: BodyForm | null = null;
  private readonly parser = new SseParser((data) => this.onEvent(data));

  /** @param mayLose an event that is not JSON may be left out. */
  constructor(
    private readonly mender: Mender,
    private readonly mayLose = false,
  ) {}

  /** Whether these first bytes begin a whole body instead of events. */
  isWhole(bytes: Buffer): boolean {
    this.form ??= formOf(bytes);
    return this.form === 'json';
  }

  /** @returns the events that stand for a whole body. */
  async pushWhole(body: Buffer): Promise<string> {
    let parts: JsonRecord[] = [];
    try {
      parts = await this.partsOf(body);
    } catch (error) {
      this.broken = error as Error;
    }
    return this.take(() => {
      for (const part of parts) this.onEvent(JSON.stringify(part));
    });
  }

  private async partsOf(body: Buffer): Promise<JsonRecord[]> {
    // Gemini sends all events as one list where it was not asked for events.
    const { list } = await readAnswer(
      Buffer.concat([Buffer.from('{"list":'), withoutBlanks(body), Buffer.from('}')]),
      true,
    );
    if (Array.isArray(list)) return list.filter(isRecord);
    if (!isRecord(list)) throw new UpstreamFailure('endpoint_fault', 'broken_json', { status: 200 });
    const failure = failureOfPayload(list, 'error_in_answer', 200);
    if (failure !== null) throw failure;
    return this.mender.eventsOf(list);
  }

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
    const payload = this.parse(data);
    if (payload === null) return;
    // The SDK knows only the vendor's own form of an error.
    const failure = isRecord(payload['error']) ? null : failureOfPayload(payload, 'error_in_stream', 200);
    if (failure !== null) throw failure;
    const mended = this.mender.mend(payload);
    if (mended === null) return;
    const text = mended === payload && !data.includes('\n') ? data : JSON.stringify(mended);
    this.passed += `data: ${text}\n\n`;
  }

  /** @returns `null` for one that was left out. */
  private parse(data: string): JsonRecord | null {
    try {
      return readEvent(data);
    } catch (error) {
      const isSlip = error instanceof UpstreamFailure && error.reason === 'malformed_chunk';
      if (!isSlip || !this.mayLose || this.lostCount >= LOST_CHUNKS_MAX) throw error;
      this.lost = error;
      this.lostCount += 1;
      return null;
    }
  }
}

/**
 * A whole body on its way to the SDK.
 * @throws UpstreamFailure when it is no answer.
 */
export async function mendBody(body: Buffer, mender: Mender): Promise<string> {
  const payload = await readAnswer(body, true);
  const failure = failureOfPayload(payload, 'error_in_answer', 200);
  if (failure !== null) throw failure;
  const mended = mender.mend(payload);
  return mended === payload ? body.toString('utf8').replace(/^\ufeff/, '') : JSON.stringify(mended ?? {});
}
