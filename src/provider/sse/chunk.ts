import type { StreamEvent } from '../domain/call.js';

/** Where a piece of output text belongs in the answer. */
export type Channel = 'content' | 'reasoning' | 'refusal' | 'tool';

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
