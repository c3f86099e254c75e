import fc from 'fast-check';
import { parseExactly } from './exact-numbers.js';
import { writeJson } from './write-json.js';

describe('writeJson', () => {
  it('writes what JSON.stringify writes, also with many parts', async () => {
    const shapes = fc.oneof(fc.jsonValue(), fc.constant(parseExactly('12345678901234567890')));
    await fc.assert(
      fc.asyncProperty(fc.array(shapes, { minLength: 1, maxLength: 40 }), async (list) => {
        const many = Array.from({ length: 1_500 }, (_, at) => [list[at % list.length], { at, left: undefined }]);
        const value = { list, many, deep: { many, wide: Object.fromEntries(many.map((one, at) => [`k${at}`, one])) } };
        expect(await writeJson(value)).toBe(JSON.stringify(value));
      }),
      { numRuns: 20 },
    );
  });

  it('throws where an answer is nested too deeply to be written', async () => {
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`) as unknown;
    await expect(writeJson(deep)).rejects.toThrow(RangeError);
  });
});
