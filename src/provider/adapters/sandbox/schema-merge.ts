import { type JsonRecord } from '../../domain/json.js';
import { listOf, recordOf } from './schema-check.js';

type Join = (a: unknown, b: unknown) => unknown;

const both: Join = (a, b) => ({ allOf: [a, b] });
const larger: Join = (a, b) => Math.max(Number(a), Number(b));
const smaller: Join = (a, b) => Math.min(Number(a), Number(b));

/** What becomes of a keyword that both schemas have; of any other the second one counts. */
const JOINS: Readonly<Record<string, Join>> = {
  properties: (a, b) => {
    const joined = { ...recordOf(a) };
    for (const [name, own] of Object.entries(recordOf(b))) {
      joined[name] = Object.hasOwn(joined, name) ? both(joined[name], own) : own;
    }
    return joined;
  },
  required: (a, b) => [...new Set([...listOf(a), ...listOf(b)])],
  allOf: (a, b) => [...listOf(a), ...listOf(b)],
  items: both,
  type: (a, b) => {
    const first = [a].flat();
    return [b].flat().filter((type) => first.includes(type) || (type === 'integer' && first.includes('number')));
  },
  additionalProperties: (a, b) => (a === false || b === false ? false : both(a, b)),
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
};

/** One schema that asks for about all that two ask for: what it is good for must be checked against both. */
export function merged(a: JsonRecord, b: JsonRecord): JsonRecord {
  const whole = { ...a, ...b };
  for (const [keyword, join] of Object.entries(JOINS)) {
    if (keyword in a && keyword in b) whole[keyword] = join(a[keyword], b[keyword]);
  }
  return whole;
}
