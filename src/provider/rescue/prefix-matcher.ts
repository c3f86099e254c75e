import { isRecord, type JsonRecord } from '../domain/json.js';
import { bytesOf, type Channel, type Chunk, type Piece } from '../sse/chunk.js';

/** `waiting`: all of it was delivered before. `mismatch`: another answer. `matched`: here is what is new. */
export type MatchResult = { state: 'waiting' | 'mismatch' } | { state: 'matched'; rest: readonly Chunk[] };

const DELTA_FIELDS: Readonly<Record<Channel, readonly string[]>> = {
  content: ['content'],
  reasoning: ['reasoning_content', 'reasoning'],
  refusal: ['refusal'],
  tool: [],
  other: [],
};

/**
 * Compares a fresh answer with what has been delivered, character by character and channel by channel, and skips it.
 * The answer continues truthfully only when it begins with exactly the delivered text.
 */
export class PrefixMatcher {
  private readonly runs: readonly Piece[];
  private run = 0;
  private offset = 0;

  constructor(delivered: readonly Piece[]) {
    this.runs = delivered.map((piece) => ({ ...piece }));
  }

  /** Reads the next chunks of the fresh answer. Not to be called again after `matched` or `mismatch`. */
  read(chunks: readonly Chunk[]): MatchResult {
    for (const [index, chunk] of chunks.entries()) {
      const unread = this.skip(chunk);
      if (unread === null) return { state: 'mismatch' };
      if (unread.length > 0) {
        const first = charsOf(unread) === chunk.outputChars ? chunk : withPieces(chunk, unread);
        return first === null ? { state: 'mismatch' } : { state: 'matched', rest: [first, ...chunks.slice(index + 1)] };
      }
      // The end of the answer, or output that is no text: whole only if all that was delivered has come again.
      if (chunk.isFinish || (chunk.isContent && chunk.outputChars === 0)) {
        const last = this.isAtEnd ? withPieces(chunk, []) : null;
        return last === null ? { state: 'mismatch' } : { state: 'matched', rest: [last, ...chunks.slice(index + 1)] };
      }
    }
    return { state: 'waiting' };
  }

  private get isAtEnd(): boolean {
    return this.run >= this.runs.length;
  }

  /** @returns the pieces that are new, `null` when the chunk differs from what was delivered. */
  private skip(chunk: Chunk): readonly Piece[] | null {
    for (const [index, { channel, text }] of chunk.pieces.entries()) {
      let from = 0;
      while (from < text.length) {
        const expected = this.runs[this.run];
        if (expected === undefined) return [{ channel, text: text.slice(from) }, ...chunk.pieces.slice(index + 1)];
        const length = Math.min(text.length - from, expected.text.length - this.offset);
        const isSame =
          channel === expected.channel && expected.text.startsWith(text.slice(from, from + length), this.offset);
        if (!isSame) return null;
        from += length;
        this.advance(length, expected);
      }
    }
    return [];
  }

  private advance(length: number, expected: Piece): void {
    this.offset += length;
    if (this.offset < expected.text.length) return;
    this.run += 1;
    this.offset = 0;
  }
}

/** The chunk with only these pieces of its text; `null` when it cannot be written so. */
function withPieces(chunk: Chunk, pieces: readonly Piece[]): Chunk | null {
  const payload = JSON.parse(chunk.data) as JsonRecord;
  const choices = payload['choices'];
  const choice: unknown = Array.isArray(choices) && choices.length === 1 ? choices[0] : null;
  if (!isRecord(choice) || !isRecord(choice['delta'])) return null;
  const delta: JsonRecord = { ...choice['delta'] };
  for (const channel of ['content', 'reasoning', 'refusal'] as const) {
    const piece = pieces.find((candidate) => candidate.channel === channel);
    for (const field of DELTA_FIELDS[channel]) {
      if (typeof delta[field] !== 'string') continue;
      delta[field] = piece?.text ?? '';
    }
  }
  const data = JSON.stringify({ ...payload, choices: [{ ...choice, delta }] });
  return { ...chunk, data, outputChars: charsOf(pieces), outputBytes: bytesOf(pieces), pieces };
}

function charsOf(pieces: readonly Piece[]): number {
  return pieces.reduce((chars, { text }) => chars + text.length, 0);
}
