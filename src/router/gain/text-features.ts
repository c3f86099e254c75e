import { scramble } from '../domain/hash.js';
import { MEASURES, TextMeasures, wordKinds } from './text-measures.js';

/** Longest text that is looked at; of a longer one its beginning and its end, half of each. */
export const TEXT_CHARS_MAX = 4_096;

/** Buckets that all n-grams share, and the places after them for the measures of a whole text. */
export const BUCKETS = 1 << 15;
export const FEATURES = BUCKETS + MEASURES;

/** Words, pairs of words, and runs of three to five characters; each family has length 1. */
const FAMILIES = 5;
const FAMILY_SEEDS = [0x1b873593, 0x2c1b3c6d, 0x297a2d39, 0x5bd1e995, 0x0cc9e2d5] as const;
const [WORDS, PAIRS, TRIGRAMS] = [0, 1, 2] as const;
const NGRAM_MIN = 3;
/** Of the five families together each text has at most this many entries. */
const ENTRIES_MAX = (TEXT_CHARS_MAX + 8) * FAMILIES + MEASURES;

const SPACE = 32;
const NEWLINE = 10;
const BASE = 0x01000193;

/** A sparse vector: `values[at]` belongs to feature `indices[at]`; the first `size` entries count. */
export interface SparseVector {
  indices: Int32Array;
  values: Float32Array;
  size: number;
}

/**
 * Turns texts into vectors: hashed n-grams with their logarithmic frequency, and a few measures (length, numbers, shape).
 * It reads at most `TEXT_CHARS_MAX` characters and keeps its buffers, so a text of any size costs the same. Not
 * re-entrant: the vector is valid until the next text.
 */
export class TextFeatures {
  private readonly codes = new Uint16Array(TEXT_CHARS_MAX + 8);
  private length = 0;
  private readonly counts = new Uint16Array(BUCKETS);
  private readonly touched = new Int32Array(TEXT_CHARS_MAX + 8);
  private readonly words = new Int32Array(TEXT_CHARS_MAX + 8);
  private readonly kinds = wordKinds(hashOfWord);
  private readonly vector: SparseVector = {
    indices: new Int32Array(ENTRIES_MAX),
    values: new Float32Array(ENTRIES_MAX),
    size: 0,
  };

  /** The vector of a text. */
  of(text: string): SparseVector {
    const { vector } = this;
    vector.size = 0;
    const measures = new TextMeasures();
    this.read(bounded(text), measures);
    const words = this.hashWords(measures);
    for (let at = 0; at < words; at += 1) this.count(at, this.words[at] ?? 0, WORDS);
    this.close(words);
    const distinct = vector.size;
    for (let at = 1; at < words; at += 1) {
      this.count(at - 1, Math.imul(this.words[at - 1] ?? 0, BASE) ^ (this.words[at] ?? 0), PAIRS);
    }
    this.close(Math.max(0, words - 1));
    for (let size = NGRAM_MIN; size < NGRAM_MIN + 3; size += 1) this.hashRuns(size);
    for (const [at, value] of measures.values(this.length, words, distinct).entries()) this.add(BUCKETS + at, value);
    return vector;
  }

  /**
   * Lower case, white space as one blank, the letters of a list of choices left out: what is asked counts, not how a
   * questionnaire prints it.
   */
  private read(text: string, measures: TextMeasures): void {
    const { codes } = this;
    let length = 0;
    codes[length++] = SPACE;
    let previous = NEWLINE;
    for (let at = 0; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (previous === NEWLINE && isChoiceLetter(text, at)) {
        at += 1;
        continue;
      }
      measures.seeCharacter(code, previous, text.charCodeAt(at + 1));
      previous = code;
      const lower = lowerCase(code);
      if (lower !== SPACE || codes[length - 1] !== SPACE) codes[length++] = lower;
    }
    if (codes[length - 1] !== SPACE) codes[length++] = SPACE;
    this.length = length;
  }

  /** Hashes of words, numbers and single signs, in order. @returns how many there are. */
  private hashWords(measures: TextMeasures): number {
    const { codes, words } = this;
    let found = 0;
    let [hash, kind, start] = [0, 0, 0];
    for (let at = 0; at < this.length; at += 1) {
      const code = codes[at] ?? SPACE;
      const next = kindOf(code);
      if (kind !== 0 && (next !== kind || kind === SIGN)) {
        words[found++] = hash;
        if (kind === LETTER) measures.seeWord(at - start, this.kinds.get(hash) ?? 0);
        hash = 0;
      }
      if (hash === 0) start = at;
      kind = next;
      if (kind !== 0) hash = wordStep(hash, code, kind);
    }
    return found;
  }

  /** Counts all runs of `size` characters. */
  private hashRuns(size: number): void {
    const { codes } = this;
    const family = TRIGRAMS + size - NGRAM_MIN;
    const runs = Math.max(0, this.length - size + 1);
    for (let at = 0; at < runs; at += 1) {
      let hash = 0;
      for (let offset = at; offset < at + size; offset += 1) hash = Math.imul(hash, BASE) + (codes[offset] ?? 0);
      this.count(at, hash, family);
    }
    this.close(runs);
  }

  private count(at: number, hash: number, family: number): void {
    const bucket = scramble(hash ^ (FAMILY_SEEDS[family] ?? 0)) & (BUCKETS - 1);
    this.touched[at] = bucket;
    this.counts[bucket] = Math.min(0xffff, (this.counts[bucket] ?? 0) + 1);
  }

  /** Ends a family: its counts become entries of a vector of length 1, and the counters are clear again. */
  private close(counted: number): void {
    const { vector, counts, touched } = this;
    const start = vector.size;
    let squares = 0;
    for (let at = 0; at < counted; at += 1) {
      const bucket = touched[at] ?? 0;
      const count = counts[bucket] ?? 0;
      if (count === 0) continue;
      counts[bucket] = 0;
      const value = 1 + Math.log(count);
      squares += value * value;
      this.add(bucket, value);
    }
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let at = start; at < vector.size; at += 1) vector.values[at] = (vector.values[at] ?? 0) * scale;
  }

  private add(index: number, value: number): void {
    const { vector } = this;
    vector.indices[vector.size] = index;
    vector.values[vector.size] = value;
    vector.size += 1;
  }
}

function bounded(text: string): string {
  if (text.length <= TEXT_CHARS_MAX) return text;
  const half = TEXT_CHARS_MAX / 2;
  return `${text.slice(0, half - 1)}\n${text.slice(text.length - half)}`;
}

function wordStep(hash: number, code: number, kind: number): number {
  return Math.imul(hash ^ code, BASE) + kind;
}

function hashOfWord(word: string): number {
  let hash = 0;
  for (let at = 0; at < word.length; at += 1) hash = wordStep(hash, word.charCodeAt(at), LETTER);
  return hash;
}

/** `A. ` to `E. ` or `A) ` at the beginning of a line. */
function isChoiceLetter(text: string, at: number): boolean {
  const letter = text.charCodeAt(at);
  const sign = text.charCodeAt(at + 1);
  return letter >= 65 && letter <= 69 && (sign === 46 || sign === 41) && text.charCodeAt(at + 2) === SPACE;
}

const LETTER = 1;
const DIGIT = 2;
const SIGN = 3;

function kindOf(code: number): number {
  if (code === SPACE) return 0;
  if (code >= 48 && code <= 57) return DIGIT;
  return (code >= 97 && code <= 122) || code >= 128 ? LETTER : SIGN;
}

function lowerCase(code: number): number {
  if (code >= 65 && code <= 90) return code + 32;
  return code <= SPACE || code === 0xa0 ? SPACE : code;
}
