import type { StreamEvent } from '../domain/call.js';

/** Where a piece of output text belongs in the answer. */
export type Channel = 'content' | 'reasoning' | 'refusal' | 'tool' | 'other';

export interface Piece {
  channel: Channel;
  text: string;
}

/** One event of a stream and what it means. */
export interface Chunk extends StreamEvent {
  /** It carries what a caller waits for: text, a tool call, a refusal, reasoning, another kind of output, or the finish. */
  isContent: boolean;
  /** A choice says why it ended. */
  isFinish: boolean;
  /** Output text in it, in order; usually none or one piece. */
  pieces: readonly Piece[];
}

/** Bytes of UTF-8 in some pieces. */
export function bytesOf(pieces: readonly Piece[]): number {
  let bytes = 0;
  for (const { text } of pieces) bytes += Buffer.byteLength(text);
  return bytes;
}
