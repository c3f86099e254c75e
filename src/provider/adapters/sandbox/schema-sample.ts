import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';

const DEPTH_MAX = 8;
const ITEMS_MAX = 16;
/** Values of one sample, over all levels: references and nested lists multiply. */
const VALUES_MAX = 1_000;
const STRING_CHARS_MAX = 10_000;

const FORMATS: Readonly<Record<string, string>> = {
  'date-time': '2025-01-01T12:00:00Z',
  date: '2025-01-01',
  time: '12:00:00Z',
  email: 'ada@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
};

/** Fields whose names say what they want. */
const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/city|location|place|town/i, 'Paris'],
  [/country/i, 'France'],
  [/name|author|title/i, 'Ada'],
  [/unit/i, 'celsius'],
  [/lang|locale/i, 'en'],
];

/**
 * A value that a simple JSON schema accepts: objects with all their properties, enums, constants, bounds, formats,
 * alternatives and local references. A pattern is not solved, and what asks for more than a thousand values or ten thousand
 * characters is cut short.
 * @param text for free text fields such as `query`.
 */
export function sampleOf(schema: unknown, text: string): unknown {
  return sample(schema, { root: isRecord(schema) ? schema : {}, text, valuesLeft: VALUES_MAX }, '', 0);
}

interface Scope {
  root: JsonRecord;
  text: string;
  valuesLeft: number;
}

function sample(schema: unknown, scope: Scope, name: string, depth: number): unknown {
  scope.valuesLeft -= 1;
  if (!isRecord(schema) || depth > DEPTH_MAX || scope.valuesLeft < 0) return null;
  if (typeof schema['$ref'] === 'string') return sample(resolve(schema['$ref'], scope.root), scope, name, depth + 1);
  if ('const' in schema) return schema['const'];
  const given = [schema['enum'], schema['examples']].find((list) => Array.isArray(list) && list.length > 0);
  if (Array.isArray(given)) return given[0];
  if ('default' in schema) return schema['default'];
  const alternatives = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(alternatives)) return sample(alternatives[0], scope, name, depth + 1);
  if (Array.isArray(schema['allOf'])) return sample(merged(schema['allOf'], scope.root), scope, name, depth + 1);
  return sampleOfType(schema, scope, name, depth);
}

function sampleOfType(schema: JsonRecord, scope: Scope, name: string, depth: number): unknown {
  const type: unknown = Array.isArray(schema['type']) ? schema['type'][0] : schema['type'];
  switch (type ?? ('properties' in schema ? 'object' : 'items' in schema ? 'array' : 'string')) {
    case 'object':
      return sampleOfObject(schema, scope, depth);
    case 'array': {
      const items = Math.min(ITEMS_MAX, Math.max(1, numberOf(schema['minItems']) ?? 1));
      return Array.from({ length: items }, () => sample(schema['items'] ?? {}, scope, name, depth + 1));
    }
    case 'integer':
    case 'number':
      return sampleOfNumber(schema, type === 'integer');
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return sampleOfString(schema, scope.text, name);
  }
}

function sampleOfObject(schema: JsonRecord, scope: Scope, depth: number): JsonRecord {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const entries = Object.entries(properties).map(([name, property]) => [
    name,
    sample(property, scope, name, depth + 1),
  ]);
  return Object.fromEntries(entries) as JsonRecord;
}

function sampleOfNumber(schema: JsonRecord, isInteger: boolean): number {
  const step = numberOf(schema['multipleOf']) ?? (isInteger ? 1 : 0.5);
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  const low = numberOf(schema['minimum']) ?? (above === null ? null : above + step);
  const high = numberOf(schema['maximum']) ?? (below === null ? null : below - step);
  const wanted = Math.min(Math.max(1, low ?? 1), high ?? Number.MAX_SAFE_INTEGER);
  const stepped = Math.ceil(wanted / step) * step;
  return high !== null && stepped > high ? Math.floor(high / step) * step : stepped;
}

function sampleOfString(schema: JsonRecord, text: string, name: string): string {
  const format = FORMATS[textOf(schema['format'])];
  if (format !== undefined) return format;
  const wanted = BY_NAME.find(([pattern]) => pattern.test(name))?.[1] ?? (text.slice(0, 80).trim() || 'example');
  const padded = wanted.padEnd(Math.min(STRING_CHARS_MAX, numberOf(schema['minLength']) ?? 0), 'x');
  return padded.slice(0, numberOf(schema['maxLength']) ?? padded.length);
}

/** One schema that asks for all that the parts ask for; where they contradict each other the last one wins. */
function merged(parts: readonly unknown[], root: JsonRecord): JsonRecord {
  const whole: JsonRecord = {};
  const properties: JsonRecord = {};
  for (const part of parts) {
    const schema = isRecord(part) && typeof part['$ref'] === 'string' ? resolve(part['$ref'], root) : part;
    if (!isRecord(schema)) continue;
    Object.assign(whole, schema);
    if (isRecord(schema['properties'])) Object.assign(properties, schema['properties']);
  }
  return { ...whole, properties };
}

/** `#/$defs/name`, or `#` for the schema itself. */
function resolve(reference: string, root: JsonRecord): unknown {
  if (!reference.startsWith('#')) return null;
  const path = reference.split('/').slice(1);
  return path.reduce<unknown>((found, part) => (isRecord(found) ? found[part] : null), root);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
