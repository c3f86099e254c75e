import { TimeSlices } from '../../platform/json/index.js';
import type { ChunkSource, Payload } from '../adapters/adapter.js';
import { UpstreamFailure } from '../domain/failure.js';
import { LOST_CHUNKS_MAX } from '../domain/lost-chunks.js';
import type { Chunk } from '../sse/chunk.js';
import { ChunkReader } from '../sse/chunk-reader.js';
import type { AttemptWatch } from './attempt-watch.js';

/** Chunks before the first content (role, filter results, signs of life of a model that thinks); more is a failure. */
const PREAMBLE_CHUNKS_MAX = 2_048;

/** More payloads of one read take a turn of the event loop of their own. */
const PAYLOADS_PER_TURN = 256;

/** The streamed answer of one attempt, from its first content on. */
export class AttemptStream {
  private held: readonly Chunk[] | null = null;
  private broken: Error | null = null;
  /** The last unreadable chunk that was left out. */
  private lost: UpstreamFailure | null = null;
  private lostCount = 0;

  private constructor(
    private readonly source: ChunkSource,
    private readonly watch: AttemptWatch,
    readonly reader: ChunkReader,
    private readonly mayLose: boolean,
  ) {}

  /** Unreadable chunks that were left out. */
  get lostChunks(): number {
    return this.lostCount + (this.source.lostEvents ?? 0);
  }

  /**
   * Reads until the first content has arrived; what came before it is held back and delivered with it.
   * @param mayLose an unreadable chunk may be left out, if the stream then comes to its proper end.
   * @throws UpstreamFailure when the answer ends, breaks or stalls before that.
   */
  static async open(
    source: ChunkSource,
    watch: AttemptWatch,
    choices: number,
    mayLose = false,
  ): Promise<AttemptStream> {
    const stream = new AttemptStream(source, watch, new ChunkReader(choices), mayLose);
    watch.enter('first_event');
    const preamble: Chunk[] = [];
    try {
      for (;;) {
        const group = await stream.readGroup();
        if (group === null) throw new UpstreamFailure('endpoint_fault', 'empty_stream', { status: 200 });
        preamble.push(...group);
        if (group.some((chunk) => chunk.isContent)) break;
        if (preamble.length > PREAMBLE_CHUNKS_MAX) throw new UpstreamFailure('endpoint_fault', 'no_content');
      }
    } catch (error) {
      source.cancel();
      throw error;
    }
    watch.rest();
    stream.held = preamble;
    return stream;
  }

  /**
   * The next chunks, as they arrived together.
   * @returns `null` when the answer is complete.
   * @throws UpstreamFailure when it broke off; everything that came before has been returned by then.
   */
  async next(): Promise<readonly Chunk[] | null> {
    if (this.held !== null) {
      const group = this.held;
      this.held = null;
      return group;
    }
    this.watch.enter('idle');
    const group = await this.readGroup();
    this.watch.rest();
    if (group === null) this.watch.stop();
    return group;
  }

  /** Puts chunks back, to be returned by the next call of `next`. */
  putBack(chunks: readonly Chunk[]): void {
    this.held = chunks.length === 0 ? null : chunks;
  }

  /** Ends it at once; harmless after the end. */
  cancel(): void {
    this.watch.stop();
    this.source.cancel();
  }

  /** A group with at least one chunk. */
  private async readGroup(): Promise<readonly Chunk[] | null> {
    for (;;) {
      const payloads = await this.readPayloads();
      if (payloads === null) {
        const closing = this.reader.closing();
        return closing === null ? null : [closing];
      }
      if (payloads.length > PAYLOADS_PER_TURN) await new TimeSlices().next();
      const group = this.classify(payloads);
      if (group.length > 0) return group;
    }
  }

  private async readPayloads(): Promise<readonly Payload[] | null> {
    try {
      if (this.broken !== null) throw this.broken;
      const payloads = await this.source.read();
      this.watch.arrived();
      if (payloads !== null) return payloads;
    } catch (error) {
      this.source.cancel();
      // Only usage and the end marker were still to come: the answer itself is whole.
      if (this.reader.isFinished && error instanceof UpstreamFailure) return null;
      throw error;
    }
    if (this.reader.isFinished) return null;
    if (this.lost !== null) throw this.lost;
    if (this.source.hasEndMarker) return null;
    throw new UpstreamFailure('endpoint_fault', 'cut', { status: 200 });
  }

  /** Chunks up to the first payload that is none; the failure is thrown when they have been delivered. */
  private classify(payloads: readonly Payload[]): Chunk[] {
    const group: Chunk[] = [];
    for (const { data, event } of payloads) {
      try {
        group.push(this.reader.read(data, event));
      } catch (error) {
        if (this.leavesOut(error)) continue;
        if (group.length === 0) {
          this.source.cancel();
          throw error;
        }
        this.broken = error as Error;
        return group;
      }
    }
    return group;
  }

  /** A slip in a text that goes on is left out; only its proper end then makes the answer a whole one. */
  private leavesOut(error: unknown): boolean {
    if (!this.mayLose || !(error instanceof UpstreamFailure) || error.reason !== 'malformed_chunk') return false;
    if (this.lostCount >= LOST_CHUNKS_MAX) return false;
    this.lost = error;
    this.lostCount += 1;
    return true;
  }
}
