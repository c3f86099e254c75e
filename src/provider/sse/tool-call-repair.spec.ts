import { ToolCallRepair } from './tool-call-repair.js';

interface Delta {
  index?: number;
  id?: string;
  type?: string;
  function: { name?: string; arguments?: unknown };
}

/** What a client would put together, by `index`, of deltas that have been put right. */
function collected(deltas: readonly Delta[]): { id: string; name: string; arguments: string }[] {
  const repair = new ToolCallRepair();
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const delta of deltas) {
    repair.repair(0, [delta]);
    const call = (calls[delta.index ?? -1] ??= { id: '', name: '', arguments: '' });
    call.id = delta.id ?? call.id;
    call.name += delta.function.name ?? '';
    const text = delta.function.arguments;
    call.arguments += typeof text === 'string' ? text : '';
  }
  return calls;
}

const TWO = [
  { id: 'a', name: 'f', arguments: '{"x":1}' },
  { id: 'b', name: 'g', arguments: '{}' },
];

describe('ToolCallRepair', () => {
  it('leaves calls alone that are in order', () => {
    const deltas = [
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } },
      { index: 0, function: { arguments: '{"x":' } },
      { index: 1, function: { arguments: '{}' } },
      { index: 0, function: { arguments: '1}' } },
    ];
    const repair = new ToolCallRepair();
    expect(deltas.map((delta) => repair.repair(0, [delta]))).toEqual(deltas.map(() => false));
    expect(collected(deltas)).toEqual(TWO);
  });

  it.each<[string, Delta[]]>([
    [
      'no index',
      [
        { id: 'a', function: { name: 'f', arguments: '{"x":' } },
        { function: { arguments: '1}' } },
        { id: 'b', function: { name: 'g', arguments: '{}' } },
      ],
    ],
    [
      'one index for all',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
        { index: 0, id: 'b', function: { name: 'g', arguments: '' } },
        { index: 0, function: { arguments: '{}' } },
      ],
    ],
    [
      'arguments that are objects',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } },
        { index: 1, id: 'b', function: { name: 'g', arguments: {} } },
      ],
    ],
    [
      'another id on every piece',
      [
        { index: 0, id: 'a', function: { name: 'f' } },
        { index: 0, id: 'a2', function: { arguments: '{"x":1}' } },
        { index: 1, id: 'b', function: { name: 'g' } },
        { index: 1, id: 'b2', function: { name: '', arguments: '{}' } },
      ],
    ],
    [
      'an index only at the beginning',
      [
        { index: 0, id: 'a', function: { name: 'f' } },
        { function: { arguments: '{"x":1}' } },
        { index: 1, id: 'b', function: { name: 'g' } },
        { function: { arguments: '{}' } },
      ],
    ],
    [
      'another name at one index, when arguments have come',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
        { index: 0, id: 'b', function: { name: 'g', arguments: '{}' } },
      ],
    ],
    [
      'id, type and name on every piece',
      [
        { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":' } },
        { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '1}' } },
        { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '{' } },
        { index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '}' } },
      ],
    ],
    [
      'arguments that are null or missing',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: null } },
        { index: 0, function: { arguments: '{"x":1}' } },
        { index: 1, id: 'b', function: { name: 'g' } },
        { index: 1, function: { arguments: null } },
        { index: 1, function: { arguments: '{}' } },
      ],
    ],
  ])('tells two calls apart with %s', (_what, deltas) => {
    expect(collected(deltas)).toEqual(TWO);
  });

  it.each<[string, Delta[]]>([
    [
      'one id and indexes that count',
      [
        { index: 0, id: 'a', function: { name: 'first', arguments: '' } },
        { index: 1, id: 'a', function: { name: 'second', arguments: '' } },
        { index: 0, id: 'a', function: { arguments: '{"x":1}' } },
        { index: 1, id: 'a', function: { arguments: '{}' } },
      ],
    ],
    [
      'one id and one index',
      [
        { index: 0, id: 'a', function: { name: 'first', arguments: '{"x":1}' } },
        { index: 0, id: 'a', function: { name: 'second', arguments: '{}' } },
      ],
    ],
    [
      'one index and no ids',
      [
        { index: 0, function: { name: 'first', arguments: '{"x":1}' } },
        { index: 0, function: { name: 'second', arguments: '{}' } },
      ],
    ],
  ])('makes two calls, with an id each, of %s', (_what, deltas) => {
    const calls = collected(deltas);
    expect(calls.map(({ name, arguments: text }) => name + text)).toEqual(['first{"x":1}', 'second{}']);
    expect(new Set(calls.map(({ id }) => id)).size).toBe(2);
  });

  it.each<[string, Delta[]]>([
    [
      'one id',
      [
        { index: 0, id: 'a', function: { name: 'f', arguments: '{"x":1}' } },
        { index: 1, id: 'a', function: { name: 'f', arguments: '{"x":2}' } },
      ],
    ],
    [
      'one index and no ids',
      [
        { index: 0, function: { name: 'f', arguments: '{"x":1}' } },
        { index: 0, function: { name: 'f', arguments: '{"x":2}' } },
      ],
    ],
  ])('tells two calls of one function apart with %s', (_what, deltas) => {
    expect(collected(deltas).map(({ name, arguments: text }) => name + text)).toEqual(['f{"x":1}', 'f{"x":2}']);
  });

  it('goes on with a call whose name is repeated without index and id', () => {
    const calls = collected([
      { function: { name: 'f', arguments: '{"x":' } },
      { function: { name: 'f', arguments: '1}' } },
    ]);
    expect(calls.map(({ name, arguments: text }) => name + text)).toEqual(['f{"x":1}']);
  });

  it('says id, type and name once, and arguments always as a text', () => {
    const repair = new ToolCallRepair();
    const deltas: Delta[] = [
      { index: 0, id: 'a', type: 'function', function: { name: 'f' } },
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: null } },
    ];
    expect(deltas.map((delta) => repair.repair(0, [delta]))).toEqual([true, true]);
    expect(deltas).toEqual([
      { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } },
      { index: 0, function: { arguments: '' } },
    ]);
  });

  it('gives a call that ended without arguments an empty object', () => {
    const repair = new ToolCallRepair();
    repair.repair(0, [{ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }]);
    repair.repair(0, [{ index: 1, id: 'b', function: { name: 'g', arguments: '' } }]);
    expect(repair.unfinished(0)).toEqual([{ index: 1, function: { arguments: '{}' } }]);
    expect(repair.unfinished(0)).toEqual([]);
    expect(repair.unfinished(1)).toEqual([]);
  });

  it('gives calls without an id different ones, once', () => {
    const calls = collected([
      { index: 0, function: { name: 'f', arguments: '{"x":' } },
      { index: 0, function: { arguments: '1}' } },
      { index: 1, id: '', function: { name: 'g', arguments: '{}' } },
    ]);
    expect(calls.map(({ name, arguments: text }) => name + text)).toEqual(['f{"x":1}', 'g{}']);
    const ids = calls.map(({ id }) => id);
    expect(ids.every((id) => /^call_[0-9a-f]{24}$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(2);
  });

  it('keeps the calls of two choices apart', () => {
    const repair = new ToolCallRepair();
    const first: Delta = { id: 'a', function: { name: 'f' } };
    const second: Delta = { id: 'b', function: { name: 'g' } };
    repair.repair(0, [first]);
    repair.repair(1, [second]);
    expect([first.index, second.index]).toEqual([0, 0]);
  });
});
