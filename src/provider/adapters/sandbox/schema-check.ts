import { isRecord, type JsonRecord } from '../../domain/json.js';
import { matchesPattern, type Budget } from './pattern-text.js';

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isRecord,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  integer: Number.isInteger,
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
};

/** Schemas that refer to each other without going down into the value. */
const REFERENCES_MAX = 300;

const REFERENCE_CHARS_MAX = 1_000;

/** `#/$defs/name`, or `#` for the schema itself. */
export function resolveReference(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#') || reference.length > REFERENCE_CHARS_MAX) return undefined;
  const path = reference.split('/').slice(1);
  return path.reduce<unknown>((found, part) => {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(found)) return (found as unknown[])[Number(name)];
    return isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }, root);
}

/** Tells whether a schema accepts a value, within a budget of steps. Formats are not looked at. */
export class SchemaCheck {
  private depth = 0;

  constructor(
    private readonly root: unknown,
    private readonly budget: Budget,
  ) {}

  /** @returns `false` also when the budget is used up. */
  accepts(schema: unknown, value: unknown): boolean {
    // Schemas that go round in circles have no answer: the search ends.
    this.budget.steps -= this.depth > REFERENCES_MAX ? Infinity : 1;
    if (this.budget.steps < 0) return false;
    if (!isRecord(schema)) return schema !== false;
    this.depth += 1;
    try {
      return this.acceptsKind(schema, value) && this.acceptsCombined(schema, value);
    } finally {
      this.depth -= 1;
    }
  }

  private acceptsKind(schema: JsonRecord, value: unknown): boolean {
    const { type } = schema;
    const types: unknown[] = type === undefined ? [] : [type].flat();
    if (types.length > 0 && !types.some((name) => typeof name === 'string' && TYPES[name]?.(value) === true))
      return false;
    if ('const' in schema && !isSame(schema['const'], value)) return false;
    if (Array.isArray(schema['enum']) && !schema['enum'].some((one) => this.isListed(one, value))) return false;
    if (typeof value === 'string') return this.acceptsText(schema, value);
    if (typeof value === 'number') return acceptsNumber(schema, value);
    if (Array.isArray(value)) return this.acceptsList(schema, value);
    return !isRecord(value) || this.acceptsObject(schema, value);
  }

  private isListed(one: unknown, value: unknown): boolean {
    this.budget.steps -= 1;
    return this.budget.steps >= 0 && isSame(one, value);
  }

  private acceptsCombined(schema: JsonRecord, value: unknown): boolean {
    const holds = (one: unknown): boolean => this.accepts(one, value);
    const { $ref: reference, allOf, anyOf, oneOf } = schema;
    if (typeof reference === 'string') {
      const target = resolveReference(reference, this.root);
      if (target === undefined || !holds(target)) return false;
    }
    if (Array.isArray(allOf) && !allOf.every(holds)) return false;
    if (Array.isArray(anyOf) && !anyOf.some(holds)) return false;
    if (Array.isArray(oneOf) && oneOf.filter(holds).length !== 1) return false;
    // A budget that ends inside a negation must not become a yes.
    if ('not' in schema && (holds(schema['not']) || this.budget.steps < 0)) return false;
    return !('if' in schema) || holds(schema[holds(schema['if']) ? 'then' : 'else'] ?? true);
  }

  private acceptsText(schema: JsonRecord, value: string): boolean {
    const { pattern } = schema;
    if (!isWithin(Array.from(value).length, schema['minLength'], schema['maxLength'])) return false;
    return typeof pattern !== 'string' || matchesPattern(pattern, value, this.budget);
  }

  private acceptsList(schema: JsonRecord, value: readonly unknown[]): boolean {
    if (!isWithin(value.length, schema['minItems'], schema['maxItems'])) return false;
    const { items, contains } = schema;
    const first = listOf(Array.isArray(items) ? items : schema['prefixItems']);
    const rest = Array.isArray(items) ? schema['additionalItems'] : items;
    if (!value.every((item, at) => this.accepts(at < first.length ? first[at] : (rest ?? true), item))) return false;
    if (schema['uniqueItems'] === true && new Set(value.map(canonical)).size < value.length) return false;
    if (contains === undefined) return true;
    const found = value.filter((item) => this.accepts(contains, item)).length;
    return isWithin(found, schema['minContains'] ?? 1, schema['maxContains']);
  }

  private acceptsObject(schema: JsonRecord, value: JsonRecord): boolean {
    const names = Object.keys(value);
    const has = (name: unknown): boolean => typeof name === 'string' && Object.hasOwn(value, name);
    if (!isWithin(names.length, schema['minProperties'], schema['maxProperties'])) return false;
    if (!listOf(schema['required']).every(has)) return false;
    if (!names.every((name) => this.acceptsProperty(schema, name, value[name]))) return false;
    const needed = recordOf(schema['dependentRequired']);
    if (!names.every((name) => !Object.hasOwn(needed, name) || listOf(needed[name]).every(has))) return false;
    const dependent = recordOf(schema['dependentSchemas']);
    return names.every((name) => !Object.hasOwn(dependent, name) || this.accepts(dependent[name], value));
  }

  private acceptsProperty(schema: JsonRecord, name: string, value: unknown): boolean {
    if ('propertyNames' in schema && !this.accepts(schema['propertyNames'], name)) return false;
    const own = propertySchemas(schema, name, this.budget);
    return own.every((one) => this.accepts(one, value));
  }
}

/** The schemas that a property of this name has to fit. */
export function propertySchemas(schema: JsonRecord, name: string, budget: Budget): unknown[] {
  const properties = recordOf(schema['properties']);
  const found = Object.hasOwn(properties, name) ? [properties[name]] : [];
  for (const [pattern, own] of Object.entries(recordOf(schema['patternProperties']))) {
    if (matchesPattern(pattern, name, budget)) found.push(own);
  }
  return found.length > 0 ? found : [schema['additionalProperties'] ?? true];
}

export function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function acceptsNumber(schema: JsonRecord, value: number): boolean {
  if (!isWithin(value, schema['minimum'], schema['maximum'])) return false;
  if (value <= (numberOf(schema['exclusiveMinimum']) ?? -Infinity)) return false;
  if (value >= (numberOf(schema['exclusiveMaximum']) ?? Infinity)) return false;
  const step = numberOf(schema['multipleOf']);
  if (step === null || step <= 0) return true;
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}

function isWithin(value: number, min: unknown, max: unknown): boolean {
  return value >= (numberOf(min) ?? -Infinity) && value <= (numberOf(max) ?? Infinity);
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && canonical(a) === canonical(b));
}

/** Text that is the same for values that are the same, whatever the order of their keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (!isRecord(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
