import { isDeepStrictEqual } from 'node:util';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { refuse } from './refuse.js';

/** A root is put together of at most these many references and parts of unions: some lead back to themselves. */
const PARTS_MAX = 200;

/** Keywords that bound a value, which Anthropic refuses in a strict tool. */
const BOUNDS: ReadonlySet<string> = new Set([
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]);

/** Keywords whose values are schemas by name, whatever the names are. */
const NAMED: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions', 'patternProperties']);

/** Keywords whose values are data. */
const DATA: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples', 'required']);

/**
 * The parameters of a tool as Anthropic and Gemini take them: an object at the root, with a type and without a union or reference.
 * The alternatives of a union become one object that allows each of them; what all of them require is required.
 * @param at where the schema stands.
 * @throws UpstreamFailure `caller_fault` when the root is not an object.
 */
export function objectSchema(schema: unknown, at: string): JsonRecord {
  const root = isRecord(schema) ? schema : {};
  return { ...new Root(root, at).flattened(root), type: 'object' };
}

/** The schema with its bounds as words of its descriptions. */
export function withoutBounds(schema: JsonRecord): JsonRecord {
  const bounds: string[] = [];
  const kept: JsonRecord = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (BOUNDS.has(keyword)) bounds.push(`${keyword}: ${JSON.stringify(value)}`);
    else kept[keyword] = DATA.has(keyword) ? value : unboundedValue(value, NAMED.has(keyword));
  }
  if (bounds.length === 0) return kept;
  const { description } = kept;
  const words = `(${bounds.join(', ')})`;
  return { ...kept, description: typeof description === 'string' ? `${description} ${words}` : words };
}

function unboundedValue(value: unknown, isNamed: boolean): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => unboundedValue(item, false));
  if (!isRecord(value)) return value;
  if (!isNamed) return withoutBounds(value);
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unboundedValue(item, false)]));
}

/** Puts the root of one schema together. */
class Root {
  private parts = 0;

  constructor(
    private readonly root: JsonRecord,
    private readonly at: string,
  ) {}

  flattened(schema: JsonRecord): JsonRecord {
    this.parts += 1;
    if (this.parts > PARTS_MAX) throw refuse(this.at, 'has too many parts at its root');
    const { $ref: reference, anyOf, oneOf, allOf, ...base } = schema;
    if (typeof reference === 'string') return this.referred(reference, schema);
    if (!isObjectType(base['type'])) throw refuse(`${this.at}.type`, 'must be object');
    let merged: JsonRecord = { ...base, properties: propertiesOf(base) };
    for (const part of listOf(allOf)) merged = both(merged, this.flattened(part));
    for (const union of [anyOf, oneOf]) {
      const all = listOf(union);
      const options = all.filter((option) => this.mayBeObject(option));
      if (options.length === 0 && all.length > 0) throw refuse(this.at, 'must allow an object');
      const [first, ...others] = options.map((option) => this.flattened(option));
      if (first !== undefined) merged = both(merged, others.reduce(either, first));
    }
    return merged;
  }

  private referred(reference: string, { $ref: _reference, ...rest }: JsonRecord): JsonRecord {
    const target = targetOf(reference, this.root);
    if (target === null) throw refuse(this.at, `the reference ${reference} leads nowhere`);
    return this.flattened({ ...target, ...rest });
  }

  private mayBeObject({ $ref: reference, type }: JsonRecord): boolean {
    if (typeof reference !== 'string') return isObjectType(type);
    return isObjectType(targetOf(reference, this.root)?.['type']);
  }
}

/** An object that has to be as both say. */
function both(one: JsonRecord, other: JsonRecord): JsonRecord {
  const required = [...new Set([...requiredOf(one), ...requiredOf(other)])];
  return {
    ...definitionsOf(other),
    ...one,
    properties: mergedProperties(one, other, 'allOf'),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** An object that is as one of the two says. */
function either(one: JsonRecord, other: JsonRecord): JsonRecord {
  const others = new Set(requiredOf(other));
  const required = requiredOf(one).filter((name) => others.has(name));
  return {
    ...definitionsOf(one),
    ...definitionsOf(other),
    properties: mergedProperties(one, other, 'anyOf'),
    required,
  };
}

function mergedProperties(one: JsonRecord, other: JsonRecord, union: 'allOf' | 'anyOf'): JsonRecord {
  const merged = { ...propertiesOf(one) };
  for (const [name, schema] of Object.entries(propertiesOf(other))) {
    const known = Object.hasOwn(merged, name) ? merged[name] : undefined;
    const isNew = known === undefined || isDeepStrictEqual(known, schema);
    merged[name] = isNew ? schema : { [union]: [known, schema] };
  }
  return merged;
}

/** Where references lead. */
function definitionsOf({ $defs, definitions }: JsonRecord): JsonRecord {
  return { ...($defs === undefined ? {} : { $defs }), ...(definitions === undefined ? {} : { definitions }) };
}

function isObjectType(type: unknown): boolean {
  return type === undefined || type === null || type === 'object' || (Array.isArray(type) && type.includes('object'));
}

function propertiesOf({ properties }: JsonRecord): JsonRecord {
  return isRecord(properties) ? properties : {};
}

function requiredOf({ required }: JsonRecord): string[] {
  return Array.isArray(required) ? required.filter((name): name is string => typeof name === 'string') : [];
}

function listOf(union: unknown): JsonRecord[] {
  return Array.isArray(union) ? union.filter(isRecord) : [];
}

/** What a reference within the schema leads to. */
function targetOf(reference: string, root: JsonRecord): JsonRecord | null {
  if (!reference.startsWith('#')) return null;
  let target: unknown = root;
  for (const step of reference.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    target = isRecord(target) && Object.hasOwn(target, name) ? target[name] : null;
  }
  return isRecord(target) ? target : null;
}
