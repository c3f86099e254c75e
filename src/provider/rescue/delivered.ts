import type { DeliveredOutput } from '../domain/call.js';
import type { ShownOutput } from '../domain/hidden-output.js';
import type { Channel, Chunk, Piece } from '../sse/chunk.js';

/** Text above this is not kept: no model writes that much, and memory must stay flat. */
const CHARS_MAX = 8 * 1024 * 1024;

/** Of text that is not kept. */
const CHARS_PER_TOKEN = 4;

/** Everything a stream has delivered to its consumer, by where it belongs, in order. */
export class Delivered {
  private readonly parts: Piece[] = [];
  private kept = 0;
  private total = 0;
  private dataTokens = 0;
  private bytes = 0;
  private thoughtBytes = 0;

  /** Characters delivered. */
  get chars(): number {
    return this.total;
  }

  /** Some of it is not here any more. */
  get isTruncated(): boolean {
    return this.total > this.kept;
  }

  add(chunks: readonly Chunk[]): void {
    for (const chunk of chunks) {
      this.dataTokens += chunk.dataTokens;
      this.bytes += chunk.outputBytes;
      for (const { channel, text } of chunk.pieces) {
        this.addText(channel, text);
        if (channel === 'reasoning' || channel === 'other') this.thoughtBytes += Buffer.byteLength(text);
      }
    }
  }

  /** All text, whatever it is. */
  text(): string {
    return this.parts.map(({ text }) => text).join('');
  }

  /** All of it, for counting; what is not kept any more is estimated. */
  output(): DeliveredOutput {
    const lostTokens = (this.total - this.kept) / CHARS_PER_TOKEN;
    return { text: this.text(), dataTokens: this.dataTokens + lostTokens };
  }

  get shown(): ShownOutput {
    const { bytes, thoughtBytes, dataTokens } = this;
    return { bytes, thoughtBytes, dataTokens };
  }

  /** Runs of text of one channel, in order. */
  runs(): readonly Piece[] {
    return this.parts;
  }

  /** Nothing but ordinary text has been delivered: an assistant message can carry it. */
  get isContentOnly(): boolean {
    return this.parts.every(({ channel }) => channel === 'content');
  }

  private addText(channel: Channel, text: string): void {
    this.total += text.length;
    if (this.total > CHARS_MAX) return;
    this.kept += text.length;
    const last = this.parts.at(-1);
    if (last?.channel === channel) last.text += text;
    else this.parts.push({ channel, text });
  }
}
