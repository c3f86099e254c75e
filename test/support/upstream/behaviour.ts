/** A point of an answer at which it can pause. `content` is after as many pieces as `after` says. */
export type WaitPoint = 'headers' | 'content' | 'finish' | 'usage';

/** By the number of the option `-w`. */
const WAIT_POINTS: readonly WaitPoint[] = ['headers', 'content', 'finish', 'usage'];

/** What the upstream does with a call: a name and numbers, both read from the model name. */
export interface Behaviour {
  name: string;
  /** Pieces (= output tokens) of the answer. */
  pieces: number;
  /** Tokens that `hidden` thinks before its answer and never shows. */
  hiddenTokens: number;
  /** Output tokens to report, whatever was written; `null` reports what was. */
  reportedTokens: number | null;
  /** Prompt tokens to report; `null` estimates them from the messages. */
  promptTokens: number | null;
  cachedTokens: number;
  /** Prompt tokens written to a cache. */
  cacheWriteTokens: number;
  delayMs: number;
  /** Content pieces that still arrive before the fault, or before a held call waits. */
  after: number;
  retryAfterS: number | null;
  mebibytes: number;
  /** Where the delay is spent in one piece; `null` where the behaviour itself says so. */
  waitAt: WaitPoint | null;
}

const DEFAULT_DELAY_MS: Readonly<Record<string, number>> = {
  'slow-headers': 500,
  'slow-first': 500,
  'slow-tokens': 50,
};

const DEFAULT_PROMPT_TOKENS: Readonly<Record<string, number>> = { 'cached-tokens': 1000, fast: 30 };

/**
 * OpenAI-compatible vendors and the ways in which their wire format differs; `<vendor>-error` breaks as that vendor does
 * after a pieces. Spoken only on `/chat/completions`.
 */
export const VENDORS = [
  'azure',
  'deepseek',
  'groq',
  'llamacpp',
  'mistral',
  'moonshot',
  'ollama',
  'openrouter',
  'together',
  'vllm',
] as const;

/** Names without their numbers; README.md says what each does. `status-<code>`, `leak-<code>` and `quote-<code>` come on top. */
const NAMES: ReadonlySet<string> = new Set([
  ...VENDORS,
  ...VENDORS.map((vendor) => `${vendor}-error`),
  'ok',
  'fast',
  'obedient',
  'hidden',
  'echo',
  'other',
  'prefill',
  'slow-headers',
  'slow-first',
  'slow-tokens',
  'stall-headers',
  'stall',
  'held',
  'cut',
  'eof',
  'reset',
  'close',
  'flaky',
  'poison',
  'html',
  'broken-json',
  'broken-chunk',
  'error-in-stream',
  'limit-in-stream',
  'error-in-answer',
  'json-for-stream',
  'strict-options',
  'only-max-tokens',
  'only-max-completion-tokens',
  'only-system-role',
  'strict-messages',
  'nine-character-ids',
  'short-ids',
  'wants-thoughts',
  'bad-key',
  'no-credit',
  'spent-limit',
  'wrong-model',
  'context-length',
  'content-policy',
  'no-prefill',
  'no-done',
  'no-finish',
  'crlf',
  'split-utf8',
  'noise',
  'huge',
  'tools',
  'tools-parallel',
  'tools-no-index',
  'tools-same-index',
  'tools-no-id',
  'tools-one-id',
  'tools-object',
  'tools-repeat',
  'tools-null',
  'signed',
  'json',
  'refusal',
  'filtered',
  'pause',
  'reasoning',
  'redacted',
  'vision',
  'picture',
  'speech',
  'sealed',
  'usage-absent',
  'usage-early',
  'usage-on-content',
  'usage-twice',
  'usage-zero',
  'usage-null',
  'cached-tokens',
]);

const OPTION = /^([npckdarmwho])(\d{1,9})$/;

/**
 * Reads a model name such as `cut-a5-n20`: trailing `-<letter><number>` parts are options, the rest is the behaviour.
 * @returns `null` for a name that is not in the table.
 */
export function readBehaviour(model: string): Behaviour | null {
  const parts = model.split('-');
  const options = new Map<string, number>();
  while (parts.length > 1) {
    const match = OPTION.exec(parts[parts.length - 1] ?? '');
    if (match === null) break;
    options.set(match[1] ?? '', Number(match[2]));
    parts.pop();
  }
  const name = parts.join('-');
  if (!NAMES.has(name) && !/^(status|leak|quote)-[45]\d\d$/.test(name)) return null;
  return {
    name,
    pieces: options.get('n') ?? 20,
    hiddenTokens: options.get('h') ?? 0,
    reportedTokens: options.get('o') ?? null,
    promptTokens: options.get('p') ?? DEFAULT_PROMPT_TOKENS[name] ?? null,
    cachedTokens: options.get('c') ?? (name === 'cached-tokens' ? 400 : 0),
    cacheWriteTokens: options.get('k') ?? 0,
    delayMs: options.get('d') ?? DEFAULT_DELAY_MS[name] ?? 0,
    after: options.get('a') ?? (name === 'stall' ? 0 : 3),
    retryAfterS: options.get('r') ?? null,
    mebibytes: options.get('m') ?? 1,
    waitAt: WAIT_POINTS[options.get('w') ?? -1] ?? null,
  };
}
