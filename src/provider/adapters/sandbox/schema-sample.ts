import { isRecord, type JsonRecord } from '../../domain/json.js';
import { patternTexts, type Budget } from './pattern-text.js';
import { listOf, numberOf, propertySchemas, recordOf, resolveReference, SchemaCheck } from './schema-check.js';
import { merged } from './schema-merge.js';
import { fixedText } from './sample-texts.js';

/** Work for one sample. References and nested lists multiply, so that a small schema can ask for more than any machine has. */
const VALUES_MAX = 1_000;
const CHARS_MAX = 100_000;
const STEPS_MAX = 200_000;
const DEPTH_MAX = 200;
/** How many characters of a constant are worth one step. */
const CHARS_PER_STEP = 100;

const TYPES = ['string', 'object', 'array', 'integer', 'boolean', 'null'];
/** Keywords that say of which type a value is meant to be. */
const TYPE_OF_KEYWORD: Readonly<Record<string, string>> = {
  properties: 'object',
  required: 'object',
  additionalProperties: 'object',
  items: 'array',
  prefixItems: 'array',
  minimum: 'number',
  maximum: 'number',
  multipleOf: 'number',
};

/** Where a value stands: the name of its property, and which of several different values it is to be. */
interface Place {
  name: string;
  variant: number;
}

/**
 * A value that a JSON schema accepts, with all properties where that fits. It is fixed by the schema alone: a text is `example`, what
 * its format, pattern or name asks for, or one of its constants; a boolean is false wherever that is allowed. Examples and defaults
 * are not used: they need not fit, and an agent may act on what it gets.
 * @returns `undefined` when there is none, or none that is found within a thousand values and a bounded time.
 */
export function sampleOf(schema: unknown): unknown {
  const whole = new Sampler(schema, true).value();
  return whole === undefined ? new Sampler(schema, false).value() : whole;
}

class Sampler {
  private readonly budget: Budget = { values: VALUES_MAX, chars: CHARS_MAX, steps: STEPS_MAX };
  private readonly check: SchemaCheck;
  /** Targets of the references that are being followed. The smallest value of a schema never has another one of it inside. */
  private readonly open = new Set<unknown>();
  private depth = 0;

  /** @param withOptional properties, too. */
  constructor(
    private readonly root: unknown,
    private readonly withOptional: boolean,
  ) {
    this.check = new SchemaCheck(root, this.budget);
    this.open.add(root);
  }

  value(): unknown {
    return this.sample(this.root, { name: '', variant: 0 });
  }

  private sample(schema: unknown, place: Place): unknown {
    this.budget.values -= 1;
    if (schema === false || this.budget.values < 0 || this.budget.steps < 0 || this.depth > DEPTH_MAX) return undefined;
    this.depth += 1;
    try {
      for (const candidate of this.candidates(recordOf(schema), place)) {
        if (candidate !== undefined && this.check.accepts(schema, candidate)) return candidate;
      }
      return undefined;
    } finally {
      this.depth -= 1;
    }
  }

  private *candidates(schema: JsonRecord, place: Place): Generator<unknown, void, undefined> {
    if (!this.spend(Object.keys(schema).length)) return;
    if ('const' in schema) return yield this.constant(schema['const']);
    if (Array.isArray(schema['enum'])) {
      for (const one of rotated(schema['enum'], place.variant)) yield this.constant(one);
      return;
    }
    const { $ref, allOf, anyOf, oneOf, if: condition, then, else: otherwise, ...rest } = schema;
    if (typeof $ref === 'string') return yield* this.joined([{ $ref }], without(schema, '$ref'), place);
    if (Array.isArray(allOf)) return yield* this.joined(allOf, without(schema, 'allOf'), place);
    for (const [keyword, list] of Object.entries({ anyOf, oneOf })) {
      if (!Array.isArray(list)) continue;
      for (const one of rotated(list, place.variant)) yield* this.joined([one], without(schema, keyword), place);
      return;
    }
    yield* this.ofTypes(rest, place);
    if (condition === undefined) return;
    yield* this.joined([condition, then ?? true], rest, place);
    yield* this.joined([otherwise ?? true], rest, place);
  }

  /** Values for several schemas at once, references followed. */
  private *joined(parts: readonly unknown[], rest: JsonRecord, place: Place): Generator<unknown, void, undefined> {
    const targets: unknown[] = [];
    let whole = rest;
    for (let part of parts) {
      while (isRecord(part) && typeof part['$ref'] === 'string') {
        const target = resolveReference(part['$ref'], this.root);
        if (target === undefined || this.open.has(target) || targets.includes(target)) return;
        targets.push(target);
        part = isRecord(target) ? merged(without(part, '$ref'), target) : target;
      }
      if (part === false || !this.spend(isRecord(part) ? Object.keys(recordOf(part['properties'])).length : 1)) return;
      whole = merged(whole, recordOf(part));
    }
    for (const target of targets) this.open.add(target);
    try {
      yield this.sample(whole, place);
    } finally {
      for (const target of targets) this.open.delete(target);
    }
  }

  private *ofTypes(schema: JsonRecord, place: Place): Generator<unknown, void, undefined> {
    const meant = Object.keys(schema).find((keyword) => Object.hasOwn(TYPE_OF_KEYWORD, keyword));
    const guessed = meant === undefined ? [] : [TYPE_OF_KEYWORD[meant]];
    const types: unknown[] = schema['type'] === undefined ? [...guessed, ...TYPES] : [schema['type']].flat();
    for (const type of types) {
      if (type === 'object') yield* this.objects(schema, place.variant);
      else if (type === 'array') yield this.list(schema, place);
      else if (type === 'integer' || type === 'number') yield* numbers(schema, type === 'integer', place.variant);
      else if (type === 'boolean') yield* place.variant % 2 === 0 ? [false, true] : [true, false];
      else if (type === 'null') yield null;
      else if (type === 'string') yield* this.texts(schema, place);
    }
  }

  private *objects(schema: JsonRecord, variant: number): Generator<unknown, void, undefined> {
    const required = new Set(listOf(schema['required']).filter((name) => typeof name === 'string'));
    const declared = Object.keys(recordOf(schema['properties']));
    if (!this.spend(required.size + declared.length)) return;
    if (this.withOptional) yield this.object(schema, new Set([...declared, ...required]), required, variant);
    yield this.object(
      schema,
      new Set([...declared.filter((name) => required.has(name)), ...required]),
      required,
      variant,
    );
  }

  private object(schema: JsonRecord, names: Set<string>, required: ReadonlySet<string>, variant: number): unknown {
    const entries: [string, unknown][] = [];
    const least = Math.min(numberOf(schema['minProperties']) ?? 0, VALUES_MAX);
    for (let more = 1; names.size < least && more <= least; more += 1) names.add(`property_${more}`);
    for (const name of names) {
      const [first, ...others] = propertySchemas(schema, name, this.budget);
      const value = this.sample(others.length === 0 ? first : { allOf: [first, ...others] }, { name, variant });
      if (value !== undefined) entries.push([name, value]);
      else if (required.has(name)) return undefined;
    }
    return Object.fromEntries(entries);
  }

  /** One item unless more or none are asked for. */
  private list(schema: JsonRecord, { name, variant }: Place): unknown {
    const { items, contains } = schema;
    const first = listOf(Array.isArray(items) ? items : schema['prefixItems']);
    const rest = (Array.isArray(items) ? schema['additionalItems'] : items) ?? true;
    const least = numberOf(schema['minItems']) ?? 0;
    const length = Math.min(Math.max(1, least, first.length), numberOf(schema['maxItems']) ?? Infinity);
    if (length > this.budget.values) return undefined;
    const values: unknown[] = [];
    for (let at = 0; at < length; at += 1) {
      const schemaHere =
        at < first.length ? first[at] : at === first.length && contains !== undefined ? contains : rest;
      const value = this.sample(schemaHere, { name, variant: schema['uniqueItems'] === true ? at : variant });
      if (value === undefined) return at < least ? undefined : values;
      values.push(value);
    }
    return values;
  }

  private *texts(schema: JsonRecord, { name, variant }: Place): Generator<unknown, void, undefined> {
    const { pattern } = schema;
    const minLength = numberOf(schema['minLength']) ?? 0;
    if (minLength > this.budget.chars) return;
    const maxLength = Math.max(0, numberOf(schema['maxLength']) ?? Infinity);
    const fixed = fixedText(schema['format'], name, variant);
    yield this.constant(fixed);
    if (typeof pattern === 'string') yield* patternTexts(pattern, minLength, this.budget);
    yield this.constant(fixed.padEnd(minLength, 'x').slice(0, maxLength));
  }

  private constant(value: unknown): unknown {
    const chars = typeof value === 'string' ? value.length : JSON.stringify(value).length;
    if (!this.spend(Math.ceil(chars / CHARS_PER_STEP)) || chars > this.budget.chars) return undefined;
    this.budget.chars -= chars;
    return value;
  }

  private spend(steps: number): boolean {
    this.budget.steps -= steps;
    return this.budget.steps >= 0;
  }
}

/** Numbers near 1 that keep the bounds. */
function* numbers(schema: JsonRecord, isInteger: boolean, variant: number): Generator<number> {
  const step = numberOf(schema['multipleOf']) ?? (isInteger ? 1 : 0.5);
  const above = numberOf(schema['exclusiveMinimum']);
  const below = numberOf(schema['exclusiveMaximum']);
  const low = numberOf(schema['minimum']) ?? (above === null ? null : above + step);
  const high = numberOf(schema['maximum']) ?? (below === null ? null : below - step);
  const wanted = Math.min(Math.max(1, low ?? 1), high ?? Number.MAX_SAFE_INTEGER);
  const stepped = Math.ceil(wanted / step) * step;
  yield (high !== null && stepped > high ? Math.floor(high / step) * step : stepped) + variant * step;
  yield Math.floor(wanted / step) * step - variant * step;
  const least = numberOf(schema['minimum']) ?? above ?? -Infinity;
  const most = numberOf(schema['maximum']) ?? below ?? Infinity;
  if (Number.isFinite(least) && Number.isFinite(most)) yield least + (most - least) / (2 + variant);
}

function rotated(list: readonly unknown[], by: number): unknown[] {
  const at = list.length === 0 ? 0 : by % list.length;
  return [...list.slice(at), ...list.slice(0, at)];
}

function without(schema: JsonRecord, keyword: string): JsonRecord {
  const { [keyword]: _left, ...rest } = schema;
  return rest;
}
