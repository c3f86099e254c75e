import type { CallerFault } from '../../domain/failure.js';
import type { JsonRecord } from '../../domain/json.js';
import type { Concession, Rule } from './concession-rule.js';
import { MESSAGE_RULES, messagesOf, OF_ONE_HISTORY } from './message-concessions.js';

/** An upstream may learn: after this it is asked as OpenAI is. */
const KEPT_MS = 600_000;
const KEPT_MAX = 1_000;

/** A sentence that says that a field as such is not taken, not that its value is wrong. */
const REFUSES =
  /not (?:permitted|supported|allowed|recogni[sz]ed)|unsupported|unrecogni[sz]ed|unexpected|unknown|\bextra\b/i;

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
    isMeant: speaksOfDeveloper,
    applies: (body) => messagesOf(body).some(({ role }) => role === 'developer'),
    change: (body) => {
      body['messages'] = messagesOf(body).map((one) =>
        one['role'] === 'developer' ? { ...one, role: 'system' } : one,
      );
    },
  },
  ...MESSAGE_RULES,
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
    const kept = made.filter((concession) => !OF_ONE_HISTORY.has(concession));
    if (this.known.size >= KEPT_MAX) this.known.clear();
    this.known.set(endpoint, { untilMs: performance.now() + KEPT_MS, made: kept });
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
  const isRefused = REFUSES.test(said) || fault.code === 'unsupported_parameter';
  const refused = RULES.filter(
    ({ names, refuses, isMeant, applies }) =>
      applies(body) && (isMeant?.(said, body) ?? (names.test(said) && (refuses?.test(said) ?? isRefused))),
  );
  // "Use max_completion_tokens instead" names both; the body has only one of them.
  return refused.map(({ concession }) => concession);
}

/** `messages[0]`, `messages.0`, `messages.[0]` */
const MESSAGE_PATH = /\bmessages?\W{1,3}(\d{1,6})\b/g;

/**
 * Whether a refusal of a request with the role `developer` is about it: it names the role, roles as such, or that very message.
 * Every server says it in words of its own; a wrong guess costs one request.
 */
function speaksOfDeveloper(said: string, body: Readonly<JsonRecord>): boolean {
  if (/\bdeveloper\b|\broles?\b/i.test(said)) return true;
  const messages = messagesOf(body);
  return [...said.matchAll(MESSAGE_PATH)].some(([, at]) => messages[Number(at)]?.['role'] === 'developer');
}
