import { sampleOf } from './schema-sample.js';

/** A list of 16 lists of 16 lists …: 16^depth values. */
function nestedLists(depth: number): object {
  return depth === 0 ? { type: 'string' } : { type: 'array', minItems: 16, items: nestedLists(depth - 1) };
}

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
    expect(sampleOf(schema, 'hi')).toEqual({ age: 18, unit: 'celsius', home: true });
  });

  it.each([
    ['lists in lists', nestedLists(8)],
    ['a schema that refers to itself many times', Object.fromEntries([['properties', selfReferences(40)]])],
    ['a very long text', { type: 'string', minLength: 1_000_000_000 }],
  ])('of %s is cut short', (_what, schema) => {
    expect(JSON.stringify(sampleOf(schema, 'hi')).length).toBeLessThan(200_000);
  });
});

function selfReferences(count: number): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at.toString()}`, { $ref: '#' }]));
}
