import type { QueryRunner } from 'typeorm';

/** What a function says, and what it shall say. */
export type Rewording = readonly [before: string, after: string];

/**
 * Replaces passages of an SQL function, all at once, for migrations.
 * @throws when a passage is not there: then the function is not the one meant.
 */
export async function reword(runner: QueryRunner, name: string, passages: readonly Rewording[]): Promise<void> {
  const [row] = (await runner.query('select pg_get_functiondef($1::regproc) as text', [name])) as { text: string }[];
  let text = row?.text ?? '';
  for (const [before, after] of passages) {
    if (!text.includes(before)) throw new Error(`${name} does not read as expected`);
    text = text.replaceAll(before, () => after);
  }
  await runner.query(text);
}
