import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Injectable } from '@nestjs/common';
import { O200K_TOKEN_SPLIT_REGEX } from 'gpt-tokenizer/encodingParams/constants';
import { countMerged, WORD_BYTES_MAX } from './byte-pairs.js';
import { RankTable } from './rank-table.js';

const RANKS_FILE = 'gpt-tokenizer/data/o200k_base.tiktoken';

/** Text is split into words window by window; a window border costs at most one token. */
const WINDOW_CHARS = 64 * 1024;

/** Above this only a sample is counted: 1 Mi characters take about 30 ms. */
const EXACT_CHARS_MAX = 1024 * 1024;

const WORDS_CACHED_MAX = 8_192;
const CACHED_WORD_CHARS_MAX = 32;

/**
 * Counts tokens as OpenAI's current models do (o200k), for providers that report no usage. The tables (5 MB) are
 * loaded when they are first needed, in about 50 ms.
 */
@Injectable()
export class TokenCounter {
  private table: RankTable | null = null;
  private readonly encoder = new TextEncoder();
  private word = new Uint8Array(0);
  private readonly counted = new Map<string, number>();

  /**
   * How many tokens a text is. Exact for ordinary text; above a million characters it is extrapolated from a sample
   * spread over the text, so that no input holds up the process.
   */
  count(text: string): number {
    if (text === '') return 0;
    if (text.length <= EXACT_CHARS_MAX) return this.countRange(text, 0, text.length);
    const windows = EXACT_CHARS_MAX / WINDOW_CHARS;
    const stride = Math.floor(text.length / windows);
    let tokens = 0;
    for (let window = 0; window < windows; window += 1) {
      tokens += this.countRange(text, window * stride, window * stride + WINDOW_CHARS);
    }
    return Math.round((tokens / EXACT_CHARS_MAX) * text.length);
  }

  /** Tokens of several texts. Many together take no longer than one of their length: they are sampled as one. */
  countAll(texts: readonly string[]): number {
    const chars = texts.reduce((sum, text) => sum + text.length, 0);
    if (chars > EXACT_CHARS_MAX) return this.count(texts.join('\n'));
    return texts.reduce((sum, text) => sum + this.count(text), 0);
  }

  private countRange(text: string, from: number, to: number): number {
    let tokens = 0;
    for (let at = from; at < to; at += WINDOW_CHARS) {
      const window = text.slice(at, Math.min(at + WINDOW_CHARS, to));
      for (const [word] of window.matchAll(O200K_TOKEN_SPLIT_REGEX)) tokens += this.countWord(word);
    }
    return tokens;
  }

  private countWord(word: string): number {
    const known = this.counted.get(word);
    if (known !== undefined) return known;
    const tokens = this.mergeWord(word);
    if (word.length <= CACHED_WORD_CHARS_MAX) {
      // Starting over is cheaper than keeping the order of use.
      if (this.counted.size >= WORDS_CACHED_MAX) this.counted.clear();
      this.counted.set(word, tokens);
    }
    return tokens;
  }

  private ready(): RankTable {
    if (this.table !== null) return this.table;
    this.word = new Uint8Array(WINDOW_CHARS * 3);
    this.table = loadTable();
    return this.table;
  }

  private mergeWord(word: string): number {
    const table = this.ready();
    const { written } = this.encoder.encodeInto(word, this.word);
    let tokens = 0;
    // Longer runs (CJK without punctuation, base64) are cut: each cut costs at most one token.
    for (let at = 0; at < written; at += WORD_BYTES_MAX) {
      tokens += countMerged(table, this.word, at, Math.min(at + WORD_BYTES_MAX, written));
    }
    return tokens;
  }
}

function loadTable(): RankTable {
  return RankTable.parse(readFileSync(createRequire(import.meta.url).resolve(RANKS_FILE)));
}
