import { objectSchema, withoutBounds } from './object-schema.js';

const text = { type: 'string' };
const count = { type: 'integer' };

describe('objectSchema', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing', undefined, { type: 'object', properties: {} }],
    ['an empty schema', {}, { type: 'object', properties: {} }],
    ['no type', { properties: { a: text } }, { type: 'object', properties: { a: text } }],
    [
      'a type that may be null',
      { type: ['object', 'null'], properties: { a: text } },
      { type: 'object', properties: { a: text } },
    ],
    [
      'a union',
      {
        description: 'Where.',
        anyOf: [
          { type: 'object', properties: { city: text, n: count }, required: ['city', 'n'] },
          { type: 'object', properties: { zip: text, n: text }, required: ['zip', 'n'] },
          { type: 'null' },
        ],
      },
      {
        type: 'object',
        description: 'Where.',
        properties: { city: text, zip: text, n: { anyOf: [count, text] } },
        required: ['n'],
      },
    ],
    [
      'alternatives of what is required',
      {
        type: 'object',
        properties: { a: text, b: text },
        required: ['b'],
        oneOf: [{ required: ['a'] }, { required: ['b'] }],
      },
      { type: 'object', properties: { a: text, b: text }, required: ['b'] },
    ],
    [
      'parts that all hold',
      {
        allOf: [
          { properties: { a: text }, required: ['a'] },
          { properties: { b: count }, required: ['b'] },
        ],
      },
      { type: 'object', properties: { a: text, b: count }, required: ['a', 'b'] },
    ],
    [
      'a reference',
      { $ref: '#/$defs/Place', $defs: { Place: { type: 'object', properties: { a: text } } } },
      {
        type: 'object',
        properties: { a: text },
        $defs: { Place: { type: 'object', properties: { a: text } } },
      },
    ],
  ])('makes an object of %s', (_what, schema, expected) => {
    const before = structuredClone(schema);
    expect(objectSchema(schema, 'tools[0].function.parameters')).toEqual(expected);
    expect(schema).toEqual(before);
  });

  it.each<[string, unknown]>([
    ['a text', { type: 'string' }],
    ['a union of texts', { anyOf: [{ type: 'string' }, { type: 'integer' }] }],
    ['a reference that leads nowhere', { $ref: '#/$defs/None' }],
    ['a reference to itself', { $ref: '#' }],
    ['a union without end', { $ref: '#/$defs/A', $defs: { A: { anyOf: [{ $ref: '#/$defs/A' }] } } }],
  ])('cannot make one of %s', (_what, schema) => {
    expect(() => objectSchema(schema, 'tools[0].function.parameters')).toThrow(
      expect.objectContaining({ isUnsupported: true }) as Error,
    );
  });
});

describe('withoutBounds', () => {
  it('says bounds in words, and leaves names and data alone', () => {
    const schema = {
      type: 'object',
      properties: {
        n: { type: 'integer', minimum: 1, maximum: 5, description: 'How many.' },
        maximum: { type: 'array', items: { type: 'string', minLength: 2 }, minItems: 1 },
        kind: { enum: [{ minimum: 1 }] },
      },
      required: ['maximum'],
    };
    expect(withoutBounds(schema)).toEqual({
      type: 'object',
      properties: {
        n: { type: 'integer', description: 'How many. (minimum: 1, maximum: 5)' },
        maximum: {
          type: 'array',
          items: { type: 'string', description: '(minLength: 2)' },
          description: '(minItems: 1)',
        },
        kind: { enum: [{ minimum: 1 }] },
      },
      required: ['maximum'],
    });
  });
});
