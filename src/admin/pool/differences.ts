import { isDeepStrictEqual } from 'node:util';
import { formatDecimal } from '../../platform/money/index.js';

export interface FieldChange {
  field: string;
  /** As the administration shows it; `null` for what was not there. */
  before: unknown;
  after: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of a body that differ from what a view of the administration shows; the two name them alike. */
export function fieldChanges(body: Fields, view: Fields): FieldChange[] {
  return Object.entries(body).flatMap(([field, value]) => {
    if (value === undefined) return [];
    const [before, after] = [shown(view[field] ?? null), shown(value)];
    return isDeepStrictEqual(before, after) ? [] : [{ field, before, after }];
  });
}

/** All fields of a body, as new ones. */
export function newFields(body: Fields): FieldChange[] {
  return fieldChanges(body, {});
}

/** The fields of a body that are named in changes. */
export function onlyChanged<T extends Fields>(body: T, changes: readonly FieldChange[]): Partial<T> {
  const names = new Set(changes.map(({ field }) => field));
  return Object.fromEntries(Object.entries(body).filter(([field]) => names.has(field))) as Partial<T>;
}

/** A value of a body as a view writes it: amounts and times as text, without fields that are undefined. */
function shown(value: unknown): unknown {
  if (typeof value === 'bigint') return formatDecimal(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.map(([name, field]) => [name, shown(field)]));
}
