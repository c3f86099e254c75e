import { createHash } from 'node:crypto';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { callsOf } from './calls.js';

/** The ids of tool calls that a target takes. */
export interface IdForm {
  accepts: RegExp;
  /** @param digits 24 of the characters 0-9 and a-z. */
  write: (digits: string) => string;
}

/** What Anthropic and OpenAI take, and every other vendor that is known. */
export const PLAIN_IDS: IdForm = { accepts: /^[a-zA-Z0-9_-]{1,40}$/, write: (digits) => `call_${digits}` };

/** What Mistral takes. */
export const NINE_CHARACTER_IDS: IdForm = { accepts: /^[a-zA-Z0-9]{9}$/, write: (digits) => digits.slice(0, 9) };

const DIGITS = 24;

/**
 * The messages with every call and its results under an id that the target takes. An id that it takes already stays. Each call of
 * the talk gets an id of its own: some servers number their calls anew in each turn. The same beginning of a talk always gets the
 * same ids, so that the next turn agrees with this one.
 */
export function withCallIds(messages: readonly JsonRecord[], form: IdForm): JsonRecord[] {
  const ids = new CallIds(form);
  return messages.map((message) => {
    if (message['role'] === 'tool') return { ...message, tool_call_id: ids.ofResult(textOf(message['tool_call_id'])) };
    const calls = callsOf(message);
    if (calls.length === 0) return message;
    ids.beginTurn(calls.map(({ id }) => textOf(id)));
    const renamed = (message['tool_calls'] as unknown[]).map((call) =>
      isRecord(call) ? { ...call, id: ids.ofCall(textOf(call['id'])) } : call,
    );
    return { ...message, tool_calls: renamed };
  });
}

class CallIds {
  private readonly taken = new Set<string>();
  /** How often an id has been given to a call. */
  private readonly seen = new Map<string, number>();
  /** By the id in the history: calls whose result is still to come, and the call that came last. */
  private readonly open = new Map<string, string[]>();
  private readonly last = new Map<string, string>();

  constructor(private readonly form: IdForm) {}

  /** A result that comes after this answers a call of this turn. */
  beginTurn(ids: readonly string[]): void {
    for (const id of ids) this.open.set(id, []);
  }

  ofCall(id: string): string {
    const before = this.seen.get(id) ?? 0;
    let count = before;
    let own = this.write(id, count);
    while (this.taken.has(own)) own = this.write(id, (count += 1));
    this.seen.set(id, count + 1);
    this.taken.add(own);
    this.open.get(id)?.push(own);
    this.last.set(id, own);
    return own;
  }

  /** Two calls of a turn with one id are answered in their order; a further result belongs to the last of them. */
  ofResult(id: string): string {
    return this.open.get(id)?.shift() ?? this.last.get(id) ?? this.write(id, 0);
  }

  private write(id: string, count: number): string {
    if (count === 0 && this.form.accepts.test(id)) return id;
    const hash = createHash('sha256')
      .update(`${String(count)} ${id}`)
      .digest('hex');
    return this.form.write(BigInt(`0x${hash}`).toString(36).padStart(DIGITS, '0').slice(-DIGITS));
  }
}
