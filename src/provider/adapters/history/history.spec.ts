import type { JsonRecord } from '../../domain/json.js';
import { NINE_CHARACTER_IDS, PLAIN_IDS, withCallIds } from './call-ids.js';
import { withPairedResults } from './turns.js';

const asked = (...ids: string[]): JsonRecord => ({
  role: 'assistant',
  content: null,
  tool_calls: ids.map((id) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' } })),
});
const answered = (id: string, content: unknown = `of ${id}`): JsonRecord => ({
  role: 'tool',
  tool_call_id: id,
  content,
});
const user = { role: 'user', content: 'Hi' };

/** The ids of the calls and of the results, in order. */
function idsOf(messages: readonly JsonRecord[]): { calls: string[]; results: string[] } {
  const calls = messages.flatMap(({ tool_calls: list }) => ((list ?? []) as { id: string }[]).map(({ id }) => id));
  const results = messages.flatMap(({ tool_call_id: id }) => (typeof id === 'string' ? [id] : []));
  return { calls, results };
}

describe('withPairedResults of a hostile history', () => {
  it('joins a hundred thousand results of one call in linear time', () => {
    const results = Array.from({ length: 100_000 }, () => answered('a', 'x'));
    const [, , joined] = withPairedResults([user, asked('a'), ...results]);
    expect(joined?.['content']).toHaveLength(100_000);
  });
});

describe('withCallIds', () => {
  it.each([
    ['plain', PLAIN_IDS, 'functions.get_weather:0', 'x'.repeat(300), 'call_1'],
    ['of nine characters', NINE_CHARACTER_IDS, 'functions.get_weather:0', 'call_1', 'aB3456789'],
  ])('makes ids %s, for call and result alike, and keeps those that fit', (_what, form, odd, other, fitting) => {
    const { calls, results } = idsOf(
      withCallIds([user, asked(odd, fitting, other), answered(odd), answered(fitting), answered(other)], form),
    );
    expect(calls.every((id) => form.accepts.test(id))).toBe(true);
    expect(calls[1]).toBe(fitting);
    expect(new Set(calls).size).toBe(3);
    expect(results).toEqual(calls);
  });

  it('gives the same ids when the talk goes on', () => {
    const before = [user, asked('a.0', 'a.1'), answered('a.0'), answered('a.1')];
    const after = [...before, asked('a.0', 'b.0'), answered('a.0'), answered('b.0')];
    expect(withCallIds(after, PLAIN_IDS).slice(0, before.length)).toEqual(withCallIds(before, PLAIN_IDS));
  });

  it('keeps calls apart that a server gave one id, in one turn and in two', () => {
    const talk = [user, asked('c', 'c'), answered('c', '1'), answered('c', '2'), user, asked('c'), answered('c', '3')];
    const { calls, results } = idsOf(withCallIds(talk, PLAIN_IDS));
    expect(new Set(calls).size).toBe(3);
    expect(results).toEqual(calls);
  });

  it('keeps an id apart that looks like one of its own', () => {
    const [own = ''] = idsOf(withCallIds([asked('a.0')], PLAIN_IDS)).calls;
    const { calls, results } = idsOf(withCallIds([asked('a.0', own), answered(own), answered('a.0')], PLAIN_IDS));
    expect(new Set(calls).size).toBe(2);
    expect(results).toEqual([calls[1], calls[0]]);
  });

  it('counts many calls of one id in a time that grows with their number', () => {
    const talk = Array.from({ length: 5_000 }, () => [asked('c'), answered('c')]).flat();
    const { calls, results } = idsOf(withCallIds(talk, PLAIN_IDS));
    expect(new Set(calls).size).toBe(5_000);
    expect(results).toEqual(calls);
  });
});

describe('withPairedResults', () => {
  it('puts results right after their calls, in the order of the calls', () => {
    const talk = [user, asked('a', 'b'), user, answered('b'), answered('a'), asked('c'), answered('c')];
    expect(withPairedResults(talk)).toEqual([
      user,
      asked('a', 'b'),
      answered('a'),
      answered('b'),
      user,
      asked('c'),
      answered('c'),
    ]);
  });

  it('says that a result is missing, and joins several', () => {
    const picture = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }];
    const talk = [asked('a', 'b'), answered('b', 'one'), answered('b', picture), user];
    expect(withPairedResults(talk)).toEqual([
      asked('a', 'b'),
      answered('a', 'No result: the call was interrupted.'),
      answered('b', [{ type: 'text', text: 'one' }, ...picture]),
      user,
    ]);
  });

  it('leaves a result without a call where it is', () => {
    expect(withPairedResults([user, answered('x')])).toEqual([user, answered('x')]);
  });
});
