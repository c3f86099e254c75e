/** One page of a list, newest first. `nextCursor` is the id to go on after, `null` on the last page. */
export interface Page<T> {
  items: readonly T[];
  nextCursor: string | null;
}

export interface PageRequest {
  /** Most items in the page. */
  limit: number;
  /** `nextCursor` of the page before. */
  cursor: string | null;
}

/**
 * Cuts a page from rows that were read with `limit + 1`: the extra row only tells that there is more.
 * @param rows in the order of the list.
 */
export function pageOf<T extends { id: string }>(rows: readonly T[], limit: number): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rows.length > limit && last !== undefined ? last.id : null };
}
