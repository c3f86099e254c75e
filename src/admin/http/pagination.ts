import { z } from 'zod';

export const PAGE_LIMIT_DEFAULT = 50;
export const PAGE_LIMIT_MAX = 200;

const NOT_A_CURSOR = 'not a cursor of this list';

/** What a list hands out: rows and the id to go on from. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/** Cursors are opaque to callers: the last id of the page before, in base64url. */
const cursor = z
  .string()
  .max(400)
  .transform((text, context) => {
    const id = Buffer.from(text, 'base64url').toString('utf8');
    if (id !== '' && encodeCursor(id) === text) return id;
    context.addIssue({ code: 'custom', message: NOT_A_CURSOR });
    return z.NEVER;
  })
  .describe('`next_cursor` of the page before.');

const limit = z.coerce
  .number()
  .int()
  .min(1)
  .max(PAGE_LIMIT_MAX)
  .default(PAGE_LIMIT_DEFAULT)
  .describe('Most rows of the page.');

/** Query fields of a list. @param id what the ids of its rows look like. */
export function pageQueryOf(id: RegExp): { limit: typeof limit; cursor: z.ZodOptional<z.ZodType<string, string>> } {
  return { limit, cursor: cursor.pipe(z.string().regex(id, { error: NOT_A_CURSOR })).optional() };
}

/** Query fields of a list whose rows are named by UUIDs. */
export const pageQuery = pageQueryOf(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);

/** Writes a cursor. */
export function encodeCursor(lastId: string): string {
  return Buffer.from(lastId, 'utf8').toString('base64url');
}

/** Schema of a page of `item`. */
export function pageOf(item: z.ZodType): z.ZodType {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** The page request of a module from the parsed query. */
export function pageRequest(query: { limit: number; cursor?: string | undefined }): {
  limit: number;
  cursor: string | null;
} {
  return { limit: query.limit, cursor: query.cursor ?? null };
}

/** A module's page as this door shows it. */
export function pageView<Item, View>(
  page: { items: readonly Item[]; nextCursor: string | null },
  view: (item: Item) => View,
): Page<View> {
  return { data: page.items.map(view), next_cursor: page.nextCursor === null ? null : encodeCursor(page.nextCursor) };
}
