import { formatDecimal } from '../../platform/money/index.js';
import { credits, creditsPositive, creditsSigned, name, patchOf, timeIn } from './fields.js';

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown): boolean =>
  schema.safeParse(value).success;

describe('amounts of a request', () => {
  it.each([
    ['100.000000', '100.000000'],
    ['0.000001', '0.000001'],
    [7, '7.000000'],
    [0.1, '0.100000'],
    [1e-6, '0.000001'],
    ['1000000000', '1000000000.000000'],
  ])('reads %p as %s credits', (value, expected) => {
    expect(formatDecimal(creditsPositive.parse(value))).toBe(expected);
  });

  it.each([
    '',
    ' 1',
    '1e3',
    '0x10',
    '1.0000001',
    0.1 + 0.2,
    '1,5',
    'NaN',
    null,
    true,
    ['1'],
    '1000000000.000001',
    '.5',
  ])('refuses %p', (value) => {
    expect(accepts(creditsPositive, value)).toBe(false);
  });

  it('differ in the sign that they take', () => {
    expect([accepts(creditsPositive, 0), accepts(creditsPositive, -1)]).toEqual([false, false]);
    expect([accepts(credits, 0), accepts(credits, '-0.000001')]).toEqual([true, false]);
    expect([accepts(creditsSigned, 0), accepts(creditsSigned, '-5')]).toEqual([false, true]);
  });
});

describe('names', () => {
  it('are trimmed, at most 200 characters, without control characters', () => {
    expect(name.parse('  Ada ')).toBe('Ada');
    expect(['', '   ', 'x'.repeat(201), 'a\u0000b', 'a\nb'].map((value) => accepts(name, value))).not.toContain(true);
  });
});

describe('times', () => {
  it('need an offset and name the same moment in UTC', () => {
    expect(timeIn.parse('2026-01-02T03:04:05+02:00').toISOString()).toBe('2026-01-02T01:04:05.000Z');
    expect(['2026-01-02', '2026-01-02T03:04:05', 'tomorrow'].map((value) => accepts(timeIn, value))).not.toContain(
      true,
    );
  });
});

describe('patches', () => {
  it('take any of the fields, refuse unknown ones and refuse to change nothing', () => {
    const schema = patchOf({ name, note: name.nullable() });
    expect(schema.parse({ note: null })).toEqual({ note: null });
    expect([accepts(schema, {}), accepts(schema, { odd: 1 })]).toEqual([false, false]);
  });
});
