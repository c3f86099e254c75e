import fc from 'fast-check';
import { withoutUsage } from './usage-field.js';

describe('withoutUsage', () => {
  it.each([
    ['{"id":"c","choices":[],"usage":null}', '{"id":"c","choices":[]}'],
    ['{"usage":null,"id":"c"}', '{"id":"c"}'],
    ['{"id":"c","usage":null,"obfuscation":"}]\\"{"}', '{"id":"c","obfuscation":"}]\\"{"}'],
    ['{"id": "c", "usage": null, "x": 1}', '{"id": "c", "x": 1}'],
    ['{"usage":null}', '{}'],
    ['{"usage":{"a":{"b":["}"]}},"id":"c"}', '{"id":"c"}'],
    ['{"usage":null,"choices":[{"delta":{"content":"usage"}}]}', '{"choices":[{"delta":{"content":"usage"}}]}'],
  ])('%s becomes %s', (data, expected) => {
    expect(withoutUsage(data)).toBe(expected);
  });

  it('keeps nothing but null for a caller that asked', () => {
    expect(withoutUsage('{"id":"c","usage":null}', true)).toBe('{"id":"c","usage":null}');
    expect(withoutUsage('{"id":"c","usage":{"a":1}}', true)).toBe('{"id":"c"}');
  });

  it.each([
    '{"choices":[{"delta":{"content":"\\"usage\\":null"}}]}',
    '{"choices":[{"usage":null}]}',
    '{"choices":[{"delta":{"usage":{"a":1}}}],"id":"usage"}',
  ])('leaves %s alone', (data) => {
    expect(withoutUsage(data)).toBe(data);
  });

  it('takes exactly the field away, whatever else the chunk holds', () => {
    const inner = fc.dictionary(fc.constantFrom('usage', 'a', '"usage":null', ']'), fc.jsonValue());
    fc.assert(
      fc.property(
        inner,
        fc.constantFrom(null, { total_tokens: 1 }),
        inner,
        fc.constantFrom(0, 1),
        (one, usage, two, gap) => {
          const chunk = { one, usage, two };
          const { usage: _, ...rest } = chunk;
          expect(JSON.parse(withoutUsage(JSON.stringify(chunk, null, gap)))).toEqual(JSON.parse(JSON.stringify(rest)));
        },
      ),
    );
  });
});
