import type { FailureClass } from '../domain/call.js';
import { isRecord, textOf } from '../domain/json.js';

const RETRY_AFTER_S_MAX = 24 * 3600;

/** `x-ratelimit-reset` says when a budget is full again, which is later than a call needs. */
const RESET_S_MAX = 60;

/** What a refusal says about the time of the next call. */
export interface RefusalWords {
  /** The value of a header, by its name in lower case; empty when absent. */
  header: (name: string) => string;
  /** The parsed body; anything else when there was none. */
  body: unknown;
  nowMs: number;
}

/** Budgets that vendors count apart, as they end the names of their headers. */
const BUDGETS = ['', '-requests', '-tokens', '-input-tokens', '-output-tokens'] as const;

/** Prefixes of the headers that tell of budgets: most vendors, then Anthropic. */
const BUDGET_HEADERS = [
  {
    remaining: (budget: string) => `x-ratelimit-remaining${budget}`,
    reset: (budget: string) => `x-ratelimit-reset${budget}`,
  },
  {
    remaining: (budget: string) => `anthropic-ratelimit${budget}-remaining`,
    reset: (budget: string) => `anthropic-ratelimit${budget}-reset`,
  },
] as const;

/**
 * Seconds after which an upstream wants to be called again, from the most exact word that it sent: `retry-after-ms`,
 * `Retry-After`, Google's `RetryInfo`, and for a limit the reset of the budget that is used up.
 * @returns `null` when it says nothing that can be read. Fractions are possible.
 */
export function retryAfterSOf(failure: FailureClass, words: RefusalWords): number | null {
  const named =
    readMilliseconds(words.header('retry-after-ms')) ?? readRetryAfterS(words.header('retry-after'), words.nowMs);
  const told = named ?? retryInfoS(words.body);
  if (told !== null || failure !== 'rate_limited') return told;
  return resetS(words);
}

/** Seconds of a `Retry-After` header, given as seconds or as a date; `null` when absent or unreadable. At least 1. */
export function readRetryAfterS(header: string, nowMs: number): number | null {
  const text = header.trim();
  if (text === '') return null;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : dateOf(text) - nowMs / 1000;
  if (!Number.isFinite(seconds)) return null;
  return Math.min(RETRY_AFTER_S_MAX, Math.max(1, Math.ceil(seconds)));
}

function readMilliseconds(header: string): number | null {
  const text = header.trim();
  if (!/^\d+(\.\d+)?$/.test(text)) return null;
  return Math.min(RETRY_AFTER_S_MAX, Math.max(0.001, Number(text) / 1000));
}

/** Seconds since the epoch of an HTTP date; `Date.parse` alone takes far too much for one. */
function dateOf(text: string): number {
  return /^[A-Z][a-z]{2,8},? /.test(text) ? Date.parse(text) / 1000 : Number.NaN;
}

/** Of the budgets that are used up the last reset; where none says that it is, the first reset of all. */
function resetS({ header, nowMs }: RefusalWords): number | null {
  const resets: number[] = [];
  const used: number[] = [];
  for (const names of BUDGET_HEADERS) {
    for (const budget of BUDGETS) {
      const seconds = readReset(header(names.reset(budget)), nowMs);
      if (seconds === null) continue;
      resets.push(seconds);
      const remaining = header(names.remaining(budget)).trim();
      if (remaining !== '' && Number(remaining) <= 0) used.push(seconds);
    }
  }
  if (resets.length === 0) return null;
  return Math.min(RESET_S_MAX, used.length > 0 ? Math.max(...used) : Math.min(...resets));
}

const DURATION_PART = /(\d+(?:\.\d+)?)(ms|h|m|s)/g;
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|h|m|s))+$/;
const UNIT_S: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3600 };

/** `6m0s` and `120ms`, seconds, seconds or milliseconds since the epoch, or a date. At least 1 s. */
function readReset(header: string, nowMs: number): number | null {
  const text = header.trim();
  if (text === '') return null;
  let seconds = Number.NaN;
  if (DURATION.test(text)) {
    seconds = 0;
    for (const [, amount = '0', unit = 's'] of text.matchAll(DURATION_PART))
      seconds += Number(amount) * (UNIT_S[unit] ?? 0);
  } else if (/^\d+(\.\d+)?$/.test(text)) {
    seconds = secondsOf(Number(text), nowMs);
  } else if (/^\d{4}-\d\d-\d\dT/.test(text)) {
    seconds = (Date.parse(text) - nowMs) / 1000;
  }
  return Number.isFinite(seconds) ? Math.max(1, seconds) : null;
}

/** A number is a span of seconds unless it is large enough to be a time. */
function secondsOf(value: number, nowMs: number): number {
  if (value >= 1e11) return (value - nowMs) / 1000;
  return value >= 1e9 ? value - nowMs / 1000 : value;
}

const DELAY = /^(\d+(?:\.\d+)?)s$/;

/** Google sends no header, also where it speaks OpenAI's format: `{"error":{"details":[{"retryDelay":"18s"}]}}`, or a list of it. */
function retryInfoS(body: unknown): number | null {
  const first: unknown = Array.isArray(body) ? body[0] : body;
  const error = isRecord(first) && isRecord(first['error']) ? first['error'] : {};
  for (const detail of Array.isArray(error['details']) ? (error['details'] as unknown[]) : []) {
    const seconds = isRecord(detail) ? DELAY.exec(textOf(detail['retryDelay']))?.[1] : undefined;
    if (seconds !== undefined) return Math.min(RETRY_AFTER_S_MAX, Math.max(1, Math.ceil(Number(seconds))));
  }
  return null;
}
