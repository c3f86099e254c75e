import fc from 'fast-check';
import { isExact, parseExactly, toDouble } from './exact-numbers.js';

const again = (text: string): string => JSON.stringify(parseExactly(text));

describe('parseExactly', () => {
  it.each(['12345678901234567890', '1e400', '-1e400', '1e-400', '0.12345678901234567891', '9007199254740993'])(
    'keeps %s as it was, wherever it stands',
    (number) => {
      const text = `{"seed":${number},"deep":[{"a":${number}}],"text":"${number}"}`;
      expect(again(text)).toBe(text);
    },
  );

  it.each(['0.30000000000000004', '1234567890123456', '9007199254740991', '1e300', '100000000000000000000'])(
    'reads %s, which a double holds, as a number',
    (number) => {
      expect(parseExactly(`[${number},1234567890123456]`)).toEqual([Number(number), 1234567890123456]);
    },
  );

  it('agrees with JSON.parse on everything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify([value, 1234567890123456]);
        expect(parseExactly(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('gives the nearest double of what stayed text', () => {
    expect(toDouble(parseExactly('12345678901234567890'))).toBe(12345678901234567890);
    expect(toDouble(parseExactly('1e400'))).toBe(Infinity);
    expect([toDouble(null), toDouble('x'), toDouble(3)]).toEqual([null, 'x', 3]);
  });

  it('reads no number into a field called __proto__', () => {
    expect(parseExactly('{"__proto__":{"a":1},"b":12345678901234567890}')).not.toHaveProperty('a');
  });

  it('takes time in line with the length of a number', () => {
    const startedMs = performance.now();
    expect(isExact(`0.1${'0'.repeat(200_000)}1`)).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(1_000);
  });
});
