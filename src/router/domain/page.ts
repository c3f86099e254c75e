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
