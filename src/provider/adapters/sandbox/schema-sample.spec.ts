import { promised } from '../../../../test/support/poll.js';
import { sampleOf } from './schema-sample.js';

/** A list of 16 lists of 16 lists …: 16^depth values. */
function nestedLists(depth: number): object {
  return depth === 0 ? { type: 'string' } : { type: 'array', minItems: 16, items: nestedLists(depth - 1) };
}

function selfReferences(count: number): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at.toString()}`, { $ref: '#' }]));
}

/** Each definition has two of the next one. */
function doublings(count: number, more: object = {}): object {
  const properties = (at: number): object => ({ a: { $ref: `#/$defs/d${at}` }, b: { $ref: `#/$defs/d${at}` } });
  const define = (at: number): [string, object] => [
    `d${at}`,
    at === count ? { type: 'string' } : { type: 'object', properties: properties(at + 1), ...more },
  ];
  return {
    type: 'object',
    properties: properties(0),
    ...more,
    $defs: Object.fromEntries(Array.from({ length: count + 1 }, (_, at) => define(at))),
  };
}

const strictObject = (properties: object): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

describe('a sample of a schema', () => {
  it('follows references, bounds and alternatives', () => {
    const schema = {
      type: 'object',
      properties: {
        age: { type: 'integer', minimum: 18 },
        unit: { enum: ['celsius', 'kelvin'] },
        home: { $ref: '#/$defs/home' },
      },
      $defs: { home: { anyOf: [{ type: 'boolean' }, { type: 'null' }] } },
    };
    expect(sampleOf(schema)).toEqual({ age: 18, unit: 'celsius', home: false });
  });

  it.each<[string, object, unknown]>([
    ['no example and no default', { type: 'string', default: 'rm -rf /', examples: ['rm -rf ~'] }, 'example'],
    ['a constant', { const: { a: [1] } }, { a: [1] }],
    ['the first of several types', { type: ['string', 'null'] }, 'example'],
    ['an enum that its type narrows', { type: 'integer', enum: ['a', 2] }, 2],
    ['lengths', { type: 'string', minLength: 9, maxLength: 9 }, 'examplexx'],
    ['a short length', { type: 'string', maxLength: 3 }, 'exa'],
    ['no length', { type: 'string', maxLength: 0 }, ''],
    ['exclusive bounds', { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 0.5 }, 0.25],
    ['a negative range', { type: 'integer', minimum: -9, maximum: -3 }, -3],
    ['multiples', { type: 'integer', minimum: 10, multipleOf: 7 }, 14],
    ['small multiples', { type: 'number', minimum: 0.05, maximum: 0.2, multipleOf: 0.1 }, 0.2],
    ['items', { type: 'array', items: { type: 'integer' }, minItems: 3 }, [1, 1, 1]],
    [
      'items that differ',
      { type: 'array', items: { type: 'string' }, minItems: 3, uniqueItems: true },
      ['example', 'example 2', 'example 3'],
    ],
    [
      'different constants',
      { type: 'array', items: { enum: ['a', 'b', 'c'] }, minItems: 2, uniqueItems: true },
      ['a', 'b'],
    ],
    ['no items', { type: 'array', items: { type: 'string' }, maxItems: 0 }, []],
    [
      'a tuple',
      { type: 'array', prefixItems: [{ type: 'string' }, { type: 'null' }], items: false },
      ['example', null],
    ],
    ['a needed item', { type: 'array', items: { type: ['string', 'integer'] }, contains: { const: 5 } }, [5]],
    [
      'parts',
      { allOf: [strictless({ a: { type: 'string' } }), strictless({ b: { const: 1 } })] },
      { a: 'example', b: 1 },
    ],
    [
      'the only alternative that fits',
      { type: 'object', oneOf: [{ required: ['a'], properties: { a: false } }, { required: ['b'] }] },
      { b: 'example' },
    ],
    ['what is not excluded', { not: { type: 'string' } }, {}],
    [
      'conditions',
      {
        type: 'object',
        properties: { kind: { const: 'a' } },
        if: { properties: { kind: { const: 'a' } } },
        then: { required: ['extra'] },
      },
      { kind: 'a', extra: 'example' },
    ],
    [
      'free properties',
      { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 2 },
      { property_1: 1, property_2: 1 },
    ],
    ['undeclared properties that are required', { type: 'object', required: ['x'] }, { x: 'example' }],
    ['no schema', {}, 'example'],
    ['a name that objects have anyway', strictObject({ toString: { type: 'null' } }), { toString: null }],
  ])('honours %s', (_what, schema, expected) => {
    expect(sampleOf(schema)).toEqual(expected);
  });

  it.each([
    ['date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/],
    ['time', /^\d\d:\d\d:\d\dZ$/],
    ['duration', /^P1D$/],
    ['email', /^\w+@example\.com$/],
    ['hostname', /^example\.com$/],
    ['uri', /^https:\/\/example\.com\/$/],
    ['uuid', /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/],
    ['ipv4', /^192\.0\.2\./],
    ['ipv6', /^2001:db8::/],
  ])('has the format %s, item by item', (format, form) => {
    const schema = { type: 'array', items: { type: 'string', format }, minItems: 5, uniqueItems: true };
    const sample = sampleOf(schema) as string[];
    expect(new Set(sample).size).toBe(5);
    expect(sample[0]).toMatch(form);
  });

  it.each([
    ['^[A-Z]{3}-\\d{4}$', {}],
    ['^(?:red|green)$', {}],
    ['^\\+?[1-9]\\d{1,14}$', {}],
    ['^#[0-9a-fA-F]{6}$', {}],
    ['\\.txt$', {}],
    ['^\\w+$', { minLength: 20 }],
    ['^[a-z]+( [a-z]+)*$', { minLength: 12, maxLength: 14 }],
    ['^(?=.*[A-Z])(?=.*\\d)[A-Za-z\\d-]{8,}$', {}],
    [
      '^(?!\\.)(?!.*\\.\\.)([A-Za-z0-9_+.-]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9-]*\\.)+[A-Za-z]{2,}$',
      { format: 'email' },
    ],
    ['^\\p{Lu}\\p{Ll}+$', {}],
    ['\\bfoo\\b', {}],
    ['^[^a-z"\\]]{2}$', {}],
    ['^$|^x', { minLength: 1 }],
  ])('matches %s', (pattern, more) => {
    const sample = sampleOf({ type: 'string', pattern, ...more });
    expect(sample).toMatch(new RegExp(pattern, 'u'));
  });

  it('ends where a recursion can end', () => {
    const node = strictObject({
      value: { type: 'integer' },
      next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
    });
    expect(sampleOf({ $ref: '#/$defs/node', $defs: { node } })).toEqual({ value: 1, next: null });
    const tree = strictObject({ children: { type: 'array', items: { $ref: '#' } } });
    expect(sampleOf(tree)).toEqual({ children: [] });
    expect(sampleOf({ properties: selfReferences(40) })).toEqual({});
  });

  it.each<[string, object]>([
    ['asks for lists in lists', nestedLists(8)],
    ['asks for a very long text', { type: 'string', minLength: 1_000_000_000 }],
    ['asks for very many items', { type: 'array', minItems: 1_000_000_000 }],
    ['has itself inside for ever', strictObject({ self: { $ref: '#' } })],
    ['refers to nothing but itself', { $ref: '#' }],
    ['has itself among its parts', { allOf: [{ $ref: '#' }] }],
    ['refers to another document', { $ref: 'https://example.com/schema' }],
    ['contradicts itself', { type: 'string', minLength: 3, maxLength: 2 }],
    ['allows nothing', { type: 'string', enum: [1] }],
    ['doubles again and again', doublings(40, { required: ['a', 'b'] })],
    ['excludes what it refers to', { not: { $ref: '#' } }],
    ['has it behind too many alternatives', { $defs: alternatives(20), $ref: '#/$defs/a0' }],
    ['has a pattern with references to groups', { type: 'string', pattern: '^(a)\\1$' }],
    ['has a pattern that looks behind', { type: 'string', pattern: '(?<=a)b' }],
    ['has no pattern', { type: 'string', pattern: '(' }],
    ['has a pattern of very many characters', { type: 'string', pattern: '(a{1000}){1000}{1000}' }],
    ['has a pattern that is very deep', { type: 'string', pattern: `${'('.repeat(900)}a${')'.repeat(900)}` }],
    ['has a constant in very many places', { type: 'array', minItems: 999, items: { const: 'x'.repeat(1_000_000) } }],
  ])('has no value when it %s, and says so soon', (_what, schema) => {
    const startedMs = performance.now();
    expect(sampleOf(schema)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(promised(500));
  });

  it.each<[string, object]>([
    ['doubles again and again', doublings(40)],
    ['has a catastrophic pattern', { type: 'string', pattern: '^(a+)+$', minLength: 500 }],
    [
      'has very many properties',
      { properties: Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`p${at}`, { type: 'string' }])) },
    ],
  ])('that %s is found soon, and is of bounded size', (_what, schema) => {
    const startedMs = performance.now();
    const sample = sampleOf(schema);
    expect(performance.now() - startedMs).toBeLessThan(promised(500));
    expect(sample).toBeDefined();
    expect(JSON.stringify(sample).length).toBeLessThan(200_000);
  });
});

function strictless(properties: object): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}

function alternatives(count: number): object {
  const entry = (at: number): [string, object] => [
    `a${at}`,
    at === count
      ? { type: 'null' }
      : { anyOf: [{ $ref: `#/$defs/a${at + 1}`, const: 1 }, { $ref: `#/$defs/a${at + 1}` }] },
  ];
  return Object.fromEntries(Array.from({ length: count + 1 }, (_, at) => entry(at)));
}
