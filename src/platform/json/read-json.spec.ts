import fc from 'fast-check';
import { JsonBoundsError, type JsonBounds } from './json-bounds.js';
import { checkJson, readJson } from './read-json.js';

const WIDE: JsonBounds = { depth: 200, members: 1e7, names: 1e7, values: 1e7 };
const LONG_TEXT = 'x'.repeat(70_000);

function read(text: string, bounds: Partial<JsonBounds> = {}, isExact = true): Promise<unknown> {
  return readJson(Buffer.from(text), { bounds: { ...WIDE, ...bounds }, isExact });
}

/** Values whose text is cut at many places: strings longer than a segment, and lists of them. */
const large = fc.array(fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constant(LONG_TEXT), fc.constant([LONG_TEXT])), {
  minLength: 2,
  maxLength: 12,
});

describe('readJson', () => {
  it('agrees with JSON.parse on long texts, whatever their shape and spacing', async () => {
    await fc.assert(
      fc.asyncProperty(large, fc.constantFrom(0, 1, '\t'), async (list, gap) => {
        const text = JSON.stringify({ list, deep: [[{ list }]], name: { '"]},': list } }, null, gap);
        expect(JSON.stringify(await read(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    `[1,"${LONG_TEXT}",]`,
    `["${LONG_TEXT}"] 1`,
    `x["${LONG_TEXT}"]`,
    `[["${LONG_TEXT}"]["${LONG_TEXT}"]]`,
    `[["${LONG_TEXT}"] x,1]`,
    `[x ["${LONG_TEXT}"],1]`,
    `{"a":["${LONG_TEXT}"},"b":1]`,
    `{"a" ["${LONG_TEXT}"]}`,
    `{["${LONG_TEXT}"]}`,
    `["${LONG_TEXT}"`,
    `[,"${LONG_TEXT}"]`,
    `["${LONG_TEXT}"][]`,
    `["${LONG_TEXT}\n"]`,
  ])('refuses what JSON.parse refuses (%#)', async (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
    await expect(read(text)).rejects.toThrow(SyntaxError);
  });

  it('keeps numbers that no double holds, in every segment', async () => {
    const text = `{"a":[12345678901234567890,"${LONG_TEXT}",1e400,0.5],"b":["${LONG_TEXT}",{"c":9007199254740993}],"d":1e2}`;
    expect(JSON.stringify(await read(text))).toBe(text.replace('1e2}', '100}'));
    expect(JSON.stringify(await read(text, {}, false))).toBe(JSON.stringify(JSON.parse(text)));
  });

  it('has the last of equal members, and __proto__ as a member like any other', async () => {
    const value = await read(`{"a":1,"__proto__":["${LONG_TEXT}"],"a":["${LONG_TEXT}",2],"b":3}`);
    expect(Object.keys(value as object)).toEqual(['a', '__proto__', 'b']);
    expect(value).toMatchObject({ a: [LONG_TEXT, 2], b: 3 });
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('overlooks a byte order mark', async () => {
    expect(await read('\ufeff[1]')).toEqual([1]);
    expect(await read(`\ufeff["${LONG_TEXT}"]`)).toEqual([LONG_TEXT]);
  });

  it.each<[keyof JsonBounds, string, string]>([
    ['depth', '[[[]]]', '[[[[]]]]'],
    ['members', '[{"a":1},{"a":{"a":1}}]', '[{"a":1},{"a":{"a":1}},{"a":1}]'],
    ['names', '{"a":1,"b":1,"c":[{"c":1},"d"]}', '{"a":1,"b":1,"c":[{"d":1}]}'],
    ['values', '[1,[]]', '[1,[],2]'],
  ])('takes as many %s as its bound says, and not one more', async (bound, most, more) => {
    await expect(read(most, { [bound]: 3 })).resolves.toEqual(JSON.parse(most));
    await expect(read(more, { [bound]: 3 })).rejects.toEqual(new JsonBoundsError(bound, 3));
    expect(() => checkJson(Buffer.from(more), { ...WIDE, [bound]: 3 })).toThrow(JsonBoundsError);
  });

  it('refuses a long number before it is looked at', async () => {
    await expect(read(`{"a":0.1${'0'.repeat(100_000)}1}`)).rejects.toThrow(JsonBoundsError);
    expect(await read('{"a":true,"e":[false,null,-1]}')).toEqual({ a: true, e: [false, null, -1] });
  });
});
