import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { UpstreamFailure } from '../../domain/failure.js';
import type { ChunkSource, Payload } from '../adapter.js';
import type { ChunkWriter } from './chunk-writer.js';
import type { ExchangeFetch } from './exchange-fetch.js';

/** A streamed answer of the AI SDK as OpenAI's chunks, pulled part by part. */
export class TranslatedChunkSource implements ChunkSource {
  hasEndMarker = false;
  private readonly reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart>;

  constructor(
    stream: ReadableStream<LanguageModelV4StreamPart>,
    private readonly connection: ExchangeFetch,
    private readonly writer: ChunkWriter,
  ) {
    this.reader = stream.getReader();
  }

  get lostEvents(): number {
    return this.connection.lostEvents;
  }

  async read(): Promise<readonly Payload[] | null> {
    if (this.hasEndMarker) return null;
    const part = await this.nextPart();
    if (part === null) return null;
    const payloads = this.writer.write(part).map((data) => ({ data, event: 'message' }));
    if (this.writer.isFinished) {
      this.hasEndMarker = true;
      this.connection.finish();
    }
    return payloads;
  }

  cancel(): void {
    this.connection.cancel();
    this.reader.cancel().catch(() => undefined);
  }

  private async nextPart(): Promise<LanguageModelV4StreamPart | null> {
    try {
      const { done, value } = await this.reader.read();
      if (!done) return value;
    } catch (error) {
      throw this.connection.failure ?? new UpstreamFailure('endpoint_fault', 'cut', { status: 200, cause: error });
    }
    if (this.connection.failure !== null) throw this.connection.failure;
    // Only a proper end makes an answer whole that lacks an event.
    if (this.connection.lost !== null) throw this.connection.lost;
    return null;
  }
}
