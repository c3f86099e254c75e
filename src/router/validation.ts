import type { z } from 'zod';
import { wireName } from './domain/inputs.js';
import { invalidField } from './router.errors.js';

/** @throws AppError `unprocessable` naming the first field at fault as callers know it. */
export function checked<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalidField(wireName(issue?.path ?? []), issue?.message ?? 'invalid');
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** The fields that are there, so that the database's defaults and stored values fill the rest. */
export function definedOf<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
