import { isRecord, parseJsonOrNull, type JsonRecord } from './json.js';

const WORDS_CHARS_MAX = 1_000;
const DEPTH_MAX = 6;
const LABELS_MAX = 20;
const LABEL_CHARS_MAX = 100;

/** Fields that hold a word of the vendor's own, never one of the caller's. */
const LABEL_FIELDS = ['code', 'type', 'status', 'reason', 'error_code', 'error_type', 'status_code'] as const;

/** Fields that hold a sentence. */
const SENTENCE_FIELDS = ['message', 'msg', 'detail', 'error', 'error_msg', 'error_message', 'status_msg'] as const;

/** Fields under which an error is wrapped once more; relays keep the words of the vendor behind them in `metadata.raw`. */
const NESTED_FIELDS = ['error', 'details', 'errors', 'metadata', 'raw', 'base_resp', 'message', 'detail'] as const;

/** What an error body says, whatever its form. */
export interface ErrorWords {
  /** The vendor's own words (codes, types), in lower case with spaces between words: `model not found`. */
  labels: readonly string[];
  /** Sentences in lower case, without what stands in quotes: that is a name, or the caller's own text. */
  sentences: readonly string[];
  /** The request fields that the error names. */
  params: readonly string[];
}

/** Reads a parsed error body, of OpenAI's form or any other. */
export function errorWordsOf(body: unknown): ErrorWords {
  const found: Found = { labels: [], texts: [], params: [] };
  collect(body, found, DEPTH_MAX);
  return {
    labels: found.labels.slice(0, LABELS_MAX).map(spaced),
    sentences: found.texts.flatMap(sentencesOf),
    params: found.params,
  };
}

/** The sentences of a text in lower case, without what stands in quotes. */
export function sentencesOf(text: string): string[] {
  const plain = text.slice(0, WORDS_CHARS_MAX).replaceAll('%20', ' ').replaceAll(/[’‘]/g, "'");
  return withoutQuotes(plain)
    .toLowerCase()
    .split(/[.!?;:](?=\s|$)|[。；！，\n]/)
    .map((sentence) => sentence.replaceAll(/\s+/g, ' ').trim())
    .filter((sentence) => sentence !== '');
}

interface Found {
  labels: string[];
  texts: string[];
  params: string[];
}

function collect(value: unknown, found: Found, depth: number): void {
  if (depth < 0 || value === null || value === undefined) return;
  if (typeof value === 'string') return collectText(value, found, depth);
  if (Array.isArray(value)) {
    for (const item of value.slice(0, LABELS_MAX)) collect(item, found, depth - 1);
    return;
  }
  if (!isRecord(value)) return;
  collectLabels(value, found);
  for (const field of SENTENCE_FIELDS) {
    const said = value[field];
    if (typeof said === 'string') collectText(said, found, depth);
  }
  for (const field of NESTED_FIELDS) {
    const nested = value[field];
    if (typeof nested === 'object' || field === 'raw') collect(nested, found, depth - 1);
  }
}

function collectLabels(value: JsonRecord, { labels, params }: Found): void {
  for (const field of LABEL_FIELDS) {
    const label = value[field];
    if (typeof label === 'string' && label.length <= LABEL_CHARS_MAX) labels.push(label);
    if (typeof label === 'number') labels.push(String(label));
  }
  if (typeof value['param'] === 'string') params.push(value['param']);
}

/** A relay may put the whole error body of another server where a sentence belongs. */
function collectText(text: string, found: Found, depth: number): void {
  const from = text.indexOf('{');
  const inner = from === -1 ? null : parseJsonOrNull(text.slice(from));
  if (!isRecord(inner)) found.texts.push(text);
  else {
    found.texts.push(text.slice(0, from));
    collect(inner, found, depth - 1);
  }
}

/** An apostrophe within a word is no quotation mark; what is quoted to no end is quoted. */
function withoutQuotes(text: string): string {
  return text
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/`[^`]*`/g, '``')
    .replaceAll(/(?<!\w)'[^'\n]*'(?!\w)/g, "''")
    .replace(/(?:(?<!")"(?!")|(?<!`)`(?!`))[^]*$/, '');
}

/** `InvalidEndpointOrModel.NotFound` → `invalid endpoint or model not found`. */
function spaced(label: string): string {
  return label
    .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
    .replaceAll(/[^\p{L}\d]+/gu, ' ')
    .trim()
    .toLowerCase();
}
