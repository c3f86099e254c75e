/** U+0000 and halves of surrogate pairs: valid in a JSON text, refused by `jsonb`. */
const SUSPECT_ESCAPE = /\\u(?:0000|d[89a-f])/;

/**
 * A value as text for a `jsonb` parameter. Characters that `jsonb` cannot hold are dropped or replaced: text that came
 * from outside must never make a write fail.
 */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value);
  return SUSPECT_ESCAPE.test(text) ? JSON.stringify(value, withoutUnstorable) : text;
}

function withoutUnstorable(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '') : value;
}
