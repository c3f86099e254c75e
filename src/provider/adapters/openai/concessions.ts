import type { CallerFault } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';

/** What an upstream is spared because it refuses it, although OpenAI takes it. */
export type Concession = 'no_stream_options' | 'max_tokens' | 'max_completion_tokens' | 'system_role' | 'no_thoughts';

/** An upstream may learn: after this it is asked as OpenAI is. */
const KEPT_MS = 600_000;
const KEPT_MAX = 1_000;

/** A sentence that says that a field as such is not taken, not that its value is wrong. */
const REFUSES =
  /not (?:permitted|supported|allowed|recogni[sz]ed)|unsupported|unrecogni[sz]ed|unexpected|unknown|extra/i;

interface Rule {
  concession: Concession;
  /** How a refusal names what it refuses. */
  names: RegExp;
  applies: (body: Readonly<JsonRecord>) => boolean;
  change: (body: JsonRecord) => void;
}

const RULES: readonly Rule[] = [
  {
    concession: 'no_stream_options',
    names: /stream_options/,
    applies: (body) => 'stream_options' in body,
    change: (body) => delete body['stream_options'],
  },
  {
    concession: 'max_tokens',
    names: /max_completion_tokens/,
    applies: (body) => 'max_completion_tokens' in body,
    change: (body) => {
      body['max_tokens'] ??= body['max_completion_tokens'];
      delete body['max_completion_tokens'];
    },
  },
  {
    concession: 'max_completion_tokens',
    names: /max_tokens/,
    applies: (body) => 'max_tokens' in body,
    change: (body) => {
      body['max_completion_tokens'] ??= body['max_tokens'];
      delete body['max_tokens'];
    },
  },
  {
    concession: 'system_role',
    names: /\bdeveloper\b/,
    applies: (body) => messagesOf(body).some(({ role }) => role === 'developer'),
    change: (body) => {
      body['messages'] = messagesOf(body).map((one) =>
        one['role'] === 'developer' ? { ...one, role: 'system' } : one,
      );
    },
  },
  {
    concession: 'no_thoughts',
    names: /\breasoning(?:_content)?\b/,
    applies: (body) => messagesOf(body).some((one) => 'reasoning_content' in one || 'reasoning' in one),
    change: (body) => {
      body['messages'] = messagesOf(body).map(({ reasoning_content: _content, reasoning: _reasoning, ...one }) => one);
    },
  },
];

/** Remembers what each upstream model refused, so that only the first call costs two requests. */
export class Concessions {
  private readonly known = new Map<string, { untilMs: number; made: readonly Concession[] }>();

  /** What the upstream is known to refuse. */
  of(endpoint: string): readonly Concession[] {
    if (this.known.size === 0) return [];
    const entry = this.known.get(endpoint);
    if (entry === undefined) return [];
    if (performance.now() < entry.untilMs) return entry.made;
    this.known.delete(endpoint);
    return [];
  }

  /** A request with these was taken. */
  note(endpoint: string, made: readonly Concession[]): void {
    if (this.known.size >= KEPT_MAX) this.known.clear();
    this.known.set(endpoint, { untilMs: performance.now() + KEPT_MS, made });
  }
}

/** A body with what was conceded; the caller's own is left as it is. */
export function conceded(body: Readonly<JsonRecord>, made: ReadonlySet<Concession>): JsonRecord {
  const changed = { ...body };
  for (const { concession, applies, change } of RULES) {
    if (made.has(concession) && applies(changed)) change(changed);
  }
  return changed;
}

/** What else to concede to an upstream that refused this body; nothing when it refused something else. */
export function concessionsFor(fault: CallerFault, body: Readonly<JsonRecord>): Concession[] {
  const said = `${fault.param ?? ''} ${fault.message}`;
  if (!REFUSES.test(said) && fault.code !== 'unsupported_parameter') return [];
  const refused = RULES.filter(({ names, applies }) => names.test(said) && applies(body));
  // "Use max_completion_tokens instead" names both; the body has only one of them.
  return refused.map(({ concession }) => concession);
}

function messagesOf(body: Readonly<JsonRecord>): JsonRecord[] {
  const { messages } = body;
  return Array.isArray(messages) ? messages.filter(isRecord) : [];
}
