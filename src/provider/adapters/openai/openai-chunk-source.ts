import { SseParser } from '../../sse/sse-parser.js';
import type { HttpExchange } from '../../transport/http-exchange.js';
import type { ChunkSource, Payload } from '../adapter.js';

const END_MARKER = '[DONE]';

/** Server-sent events of an OpenAI-compatible upstream, one group a network read. */
export class OpenAiChunkSource implements ChunkSource {
  hasEndMarker = false;
  private group: Payload[] = [];
  private readonly parser = new SseParser((data, event) => this.onEvent(data, event));
  private broken: Error | null = null;

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
    try {
      // One pass over what came in one read: a burst of small HTTP chunks is one text.
      this.parser.push(bytes.length === 1 && bytes[0] !== undefined ? bytes[0] : Buffer.concat(bytes));
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
