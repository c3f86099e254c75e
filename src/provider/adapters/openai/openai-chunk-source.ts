import { UpstreamFailure } from '../../domain/failure.js';
import { formOf, type BodyForm } from '../../sse/body-form.js';
import { SseParser } from '../../sse/sse-parser.js';
import { ANSWER_BYTES_MAX, type HttpExchange } from '../../transport/http-exchange.js';
import type { ChunkSource, Payload } from '../adapter.js';
import { chunksOfCompletion } from '../synthetic-chunks.js';
import { readCompletion } from './completion.js';

const END_MARKER = '[DONE]';

/**
 * The answer of an OpenAI-compatible upstream to a request with `stream`, one group a network read: server-sent events, or a whole
 * completion from a server that ignores `stream`. The first character tells, not the content type.
 */
export class OpenAiChunkSource implements ChunkSource {
  hasEndMarker = false;
  private group: Payload[] = [];
  private readonly parser = new SseParser((data, event) => this.onEvent(data, event));
  private broken: Error | null = null;
  private form: BodyForm | null = null;

  constructor(private readonly exchange: HttpExchange) {}

  async read(): Promise<readonly Payload[] | null> {
    if (this.hasEndMarker) return null;
    if (this.broken !== null) throw this.broken;
    const bytes = await this.exchange.read();
    if (bytes === null) {
      this.parser.end();
      // The end marker without its empty line, or nothing: both end here, the first one properly.
      return this.group.length > 0 ? this.takeGroup() : null;
    }
    // One pass over what came in one read: a burst of small HTTP chunks is one text.
    const read = bytes.length === 1 && bytes[0] !== undefined ? bytes[0] : Buffer.concat(bytes);
    this.form ??= formOf(read);
    if (this.form === 'json') return this.readWhole(read);
    if (this.form === 'html') throw this.notEvents();
    try {
      this.parser.push(read);
    } catch (error) {
      this.broken = error as Error;
      if (this.group.length === 0) throw error;
    }
    this.finishAfterEndMarker();
    return this.takeGroup();
  }

  cancel(): void {
    this.exchange.cancel();
  }

  private notEvents(): UpstreamFailure {
    this.exchange.cancel();
    return new UpstreamFailure('endpoint_fault', 'not_a_stream', { status: this.exchange.statusCode });
  }

  private async readWhole(begin: Buffer): Promise<readonly Payload[]> {
    const rest = await this.exchange.readAll(ANSWER_BYTES_MAX);
    const chunks = chunksOfCompletion(await readCompletion(Buffer.concat([begin, rest])));
    this.hasEndMarker = true;
    return chunks.map((data) => ({ data, event: 'message' }));
  }

  /** What follows the end marker is of no interest; the connection can serve the next call. */
  private finishAfterEndMarker(): void {
    if (this.hasEndMarker) this.exchange.finish();
  }

  private onEvent(data: string, event: string): void {
    if (this.hasEndMarker) return;
    if (data === END_MARKER || data.trim() === END_MARKER) this.hasEndMarker = true;
    else this.group.push({ data, event });
  }

  private takeGroup(): readonly Payload[] {
    const { group } = this;
    this.group = [];
    return group;
  }
}
