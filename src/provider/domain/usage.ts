import type { TokenUsage } from './call.js';
import { isRecord, type JsonRecord } from './json.js';

/** No real call comes near it; a count above is a fault of the upstream, not a bill. */
const TOKENS_MAX = 100_000_000;

/** Most tokens that a total may hold beyond what it names; a total further off means nothing. */
const HIDDEN_TOKENS_MAX = 131_072;

/** No text has fewer tokens than one for this many characters, but for repetitions that a tokenizer folds. */
const CHARS_PER_TOKEN_MAX = 16;

const PROMPT = ['prompt_tokens', 'input_tokens', 'inputTokens', 'inputTokenCount'];
const COMPLETION = ['completion_tokens', 'output_tokens', 'outputTokens', 'outputTokenCount'];
const TOTAL = ['total_tokens', 'totalTokens', 'totalTokenCount', 'total_token_count'];
const READ_BESIDE = ['cache_read_input_tokens', 'cacheReadInputTokens'];
const READ = [...READ_BESIDE, 'cached_tokens', 'prompt_cache_hit_tokens', 'cached_input_tokens', 'num_cached_tokens'];
const WRITTEN_BESIDE = ['cache_creation_input_tokens', 'cacheWriteInputTokens'];
const WRITTEN = [...WRITTEN_BESIDE, 'cache_write_tokens', 'cache_creation_tokens'];
const GEMINI_PROMPT = ['promptTokenCount', 'prompt_token_count'];
const GEMINI_ANSWER = ['candidatesTokenCount', 'candidates_token_count', 'responseTokenCount'];

/** A field of a prompt, by its name. */
const OF_PROMPT = /cach|prompt|input/i;

/** What a usage object says. Which count holds which other one differs by vendor. */
interface Said {
  prompt: number;
  completion: number;
  total: number | null;
  read: number;
  written: number;
  reasoning: number;
  /** By the vendor's names, the cache is not part of the prompt. */
  isCacheBeside: boolean;
  /** By the vendor's names, reasoning is not part of the completion. */
  isReasoningBeside: boolean;
}

/** Which counts come on top of the prompt and the completion. */
interface Convention {
  read: boolean;
  written: boolean;
  reasoning: boolean;
}

/**
 * Reads the usage object of an answer into disjoint buckets, whatever vendor's shape it has:
 * - OpenAI counts cached tokens inside `prompt_tokens` (`prompt_tokens_details.cached_tokens`), DeepSeek too
 *   (`prompt_cache_hit_tokens`), Moonshot (`cached_tokens`) as well; cache writes come as `cache_write_tokens` (OpenRouter) or
 *   `cache_creation_input_tokens`, inside the prompt, too. Reasoning tokens are part of `completion_tokens`, except at xAI.
 * - Anthropic and Bedrock count what they read from and wrote to the cache beside the input; thinking is part of the output.
 * - Gemini counts cached tokens inside `promptTokenCount`, prompts of tools beside it, and thoughts beside the answer.
 * - Perplexity counts the sources that it read beside everything.
 *
 * Relays mix names and conventions, so the numbers decide: a total that adds up in one convention proves it, a part that is larger
 * than its whole is not a part, and what a total holds beyond all named counts is output that was not shown.
 * @returns `null` when a required count is missing, negative, fractional, huge or not a number, or the prompt is zero.
 */
export function normaliseUsage(raw: unknown): TokenUsage | null {
  if (!isRecord(raw)) return null;
  const { billed_units: billed, tokens } = raw;
  if (isRecord(billed) || isRecord(tokens)) return normaliseUsage(isRecord(billed) ? billed : tokens);
  const said = valueOf(raw, GEMINI_PROMPT) === undefined ? saidOf(raw) : saidByGemini(raw);
  if (said === null) return null;
  const { prompt, completion, read, written, reasoning } = said;
  const beside = conventionOf(said);
  const besidePrompt = (beside.read ? read : 0) + (beside.written ? written : 0);
  const besideCompletion = beside.reasoning ? reasoning : 0;
  const rest = (said.total ?? 0) - prompt - completion - besidePrompt - besideCompletion;
  const unnamed = rest > 0 && rest <= HIDDEN_TOKENS_MAX ? rest : 0;
  const isOfPrompt = unnamed > 0 && isNamedForPrompt(raw, unnamed);
  const sources = tokensOf(raw['citation_tokens']) ?? 0;
  const wholePrompt = prompt + besidePrompt + (isOfPrompt ? unnamed : 0) + sources;
  if (wholePrompt === 0) return null;
  return {
    inputTokens: wholePrompt - read - written,
    outputTokens: completion + besideCompletion + (isOfPrompt ? 0 : unnamed),
    cachedInputTokens: read,
    cachedOutputTokens: written,
  };
}

/**
 * What the usage objects of one stream say together: a later one may name only what has changed, as Anthropic's last one does
 * (`output_tokens` alone), or repeat nothing for what it does not know. Counts of a stream never fall to zero.
 */
export function mergedUsage(before: JsonRecord | null, raw: JsonRecord): JsonRecord {
  if (before === null || !isOneDialect(before, raw)) return raw;
  // The total of an earlier one does not hold what came after it.
  const merged = Object.fromEntries(Object.entries(before).filter(([name]) => !TOTAL.includes(name)));
  for (const [name, value] of Object.entries(raw)) {
    if ((value !== null && value !== 0) || !(name in merged)) merged[name] = value;
  }
  return merged;
}

/** Whether a count can hold a text of so many characters. What was counted before the text was written often cannot. */
export function canHold(outputTokens: number, outputChars: number): boolean {
  return outputTokens * CHARS_PER_TOKEN_MAX >= outputChars;
}

function saidOf(raw: JsonRecord): Said | null {
  const details = recordOf(raw['prompt_tokens_details'] ?? raw['input_tokens_details']);
  const told = { prompt: countOf(raw, PROMPT), completion: countOf(raw, COMPLETION), total: countOf(raw, TOTAL) };
  const prompt = told.prompt ?? missing(told.total, told.completion, valueOf(raw, PROMPT));
  const completion = told.completion ?? missing(told.total, told.prompt, valueOf(raw, COMPLETION));
  if (prompt === null || completion === null) return null;
  const isCacheBeside = isCacheBesideByName(raw);
  if (isCacheBeside && !areReadable(raw, [...READ_BESIDE, ...WRITTEN_BESIDE])) return null;
  return {
    prompt,
    completion,
    total: told.total,
    read: Math.max(largestOf(details, READ), largestOf(raw, READ)),
    written: Math.max(writtenOf(details), writtenOf(raw)),
    reasoning: reasoningOf(raw),
    isCacheBeside,
    isReasoningBeside: false,
  };
}

/** Counts that are zero are left out by Gemini; an answer of nothing but thoughts has no `candidatesTokenCount`. */
function saidByGemini(raw: JsonRecord): Said | null {
  const prompt = countOf(raw, GEMINI_PROMPT);
  const ofTools = optional(raw, ['toolUsePromptTokenCount', 'tool_use_prompt_token_count']);
  const read = optional(raw, ['cachedContentTokenCount', 'cached_content_token_count']);
  const answer = optional(raw, GEMINI_ANSWER);
  const thoughts = optional(raw, ['thoughtsTokenCount', 'thoughts_token_count']);
  if (prompt === null || ofTools === null || read === null || answer === null || thoughts === null) return null;
  return {
    prompt: prompt + ofTools,
    completion: answer,
    total: countOf(raw, TOTAL),
    read,
    written: 0,
    reasoning: thoughts,
    isCacheBeside: false,
    isReasoningBeside: true,
  };
}

/** The convention that the total proves, else the one of the names as far as the counts allow it. */
function conventionOf(said: Said): Convention {
  const cache = said.isCacheBeside ? [[true, true]] : [[false, false], [false, true], [true, true]]; // prettier-ignore
  const possible = cache.flatMap(([read = true, written = true]) => {
    const inside = (read ? 0 : said.read) + (written ? 0 : said.written);
    if (inside > said.prompt) return [];
    return [said.isReasoningBeside, !said.isReasoningBeside]
      .filter((reasoning) => reasoning || said.reasoning <= said.completion)
      .map((reasoning): Convention => ({ read, written, reasoning }));
  });
  const proved = possible.find((way) => totalBy(way, said) === said.total);
  return proved ?? possible[0] ?? { read: true, written: true, reasoning: true };
}

function totalBy(beside: Convention, { prompt, completion, read, written, reasoning }: Said): number {
  const besidePrompt = (beside.read ? read : 0) + (beside.written ? written : 0);
  return prompt + completion + besidePrompt + (beside.reasoning ? reasoning : 0);
}

/** OpenAI's own objects of the newer form say `input_tokens`, too, but name their details otherwise. */
function isCacheBesideByName(raw: JsonRecord): boolean {
  return !('prompt_tokens' in raw) && ['cache_creation', ...READ_BESIDE, ...WRITTEN_BESIDE].some((name) => name in raw);
}

/** A count that only the total tells. */
function missing(total: number | null, other: number | null, value: unknown): number | null {
  return value === undefined && total !== null && other !== null && total > other ? total - other : null;
}

/** Whether the vendor names a part of the prompt of this size, however it calls it. */
function isNamedForPrompt(raw: JsonRecord, tokens: number): boolean {
  return Object.entries(raw).some(
    ([name, value]) =>
      OF_PROMPT.test(name) && (isRecord(value) ? Object.values(value).includes(tokens) : value === tokens),
  );
}

function isOneDialect(one: JsonRecord, other: JsonRecord): boolean {
  const [first, second] = [one, other].map((raw) => [...PROMPT, ...GEMINI_PROMPT].find((name) => name in raw));
  return first === undefined || second === undefined || first === second;
}

function writtenOf(raw: JsonRecord): number {
  // Anthropic splits writes by how long they are kept.
  const byLife = Object.values(recordOf(raw['cache_creation'])).reduce(
    (sum: number, value) => sum + (tokensOf(value) ?? 0),
    0,
  );
  return Math.max(byLife, largestOf(raw, WRITTEN));
}

function reasoningOf(raw: JsonRecord): number {
  const details = recordOf(raw['completion_tokens_details'] ?? raw['output_tokens_details']);
  return Math.max(...[details, raw].map((record) => tokensOf(record['reasoning_tokens']) ?? 0));
}

/** The same count may stand under several names, with nothing under those that the vendor does not fill. */
function largestOf(raw: JsonRecord, names: readonly string[]): number {
  return Math.max(...names.map((name) => tokensOf(raw[name]) ?? 0));
}

function areReadable(raw: JsonRecord, names: readonly string[]): boolean {
  return names.every((name) => optional(raw, [name]) !== null);
}

/** @returns 0 when it is not there, `null` when it is not a count. */
function optional(raw: JsonRecord, names: readonly string[]): number | null {
  return tokensOf(valueOf(raw, names) ?? 0);
}

function countOf(raw: JsonRecord, names: readonly string[]): number | null {
  return tokensOf(valueOf(raw, names));
}

function valueOf(raw: JsonRecord, names: readonly string[]): unknown {
  for (const name of names) if (raw[name] !== undefined && raw[name] !== null) return raw[name];
  return undefined;
}

function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

function tokensOf(value: unknown): number | null {
  const count = typeof value === 'string' && /^\d{1,9}(\.0+)?$/.test(value) ? Number(value) : value;
  if (typeof count !== 'number' || !Number.isInteger(count)) return null;
  return count >= 0 && count <= TOKENS_MAX ? count : null;
}
