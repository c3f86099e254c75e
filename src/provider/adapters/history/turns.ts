import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { callsOf } from './calls.js';

/** What stands for the result of a call that has none: vendors refuse a call without one. */
const NO_RESULT = 'No result: the call was interrupted.';

/**
 * The messages with the results of calls where vendors want them: one for each call, right after the message that calls, in the
 * order of the calls. Results that stand elsewhere are moved, several for one call are joined, a missing one is said to be missing.
 * Every call must have an id of its own. A result without a call stays where it is.
 */
export function withPairedResults(messages: readonly JsonRecord[]): JsonRecord[] {
  const called = new Set(messages.flatMap(callsOf).map(({ id }) => textOf(id)));
  const results = new Map<string, JsonRecord[]>();
  for (const message of messages) {
    if (!isResult(message, called)) continue;
    const id = textOf(message['tool_call_id']);
    const known = results.get(id);
    if (known === undefined) results.set(id, [message]);
    else known.push(message);
  }
  return messages.flatMap((message) => {
    if (isResult(message, called)) return [];
    const own = callsOf(message).map(({ id }) => joined(textOf(id), results.get(textOf(id)) ?? []));
    return [message, ...own];
  });
}

function isResult({ role, tool_call_id: id }: JsonRecord, called: ReadonlySet<string>): boolean {
  return role === 'tool' && called.has(textOf(id));
}

function joined(id: string, [first, ...others]: readonly JsonRecord[]): JsonRecord {
  if (first === undefined) return { role: 'tool', tool_call_id: id, content: NO_RESULT };
  if (others.length === 0) return first;
  return { ...first, content: [first, ...others].flatMap(({ content }) => partsOf(content)) };
}

function partsOf(content: unknown): JsonRecord[] {
  if (Array.isArray(content)) return content.filter(isRecord);
  return [{ type: 'text', text: textOf(content) }];
}
