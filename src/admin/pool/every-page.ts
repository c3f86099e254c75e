import { PAGE_LIMIT_MAX, type Page } from '../http/pagination.js';

/** All rows of a list of the administration, oldest last. */
export async function everyPage<View>(
  list: (query: { limit: number; cursor?: string | undefined }) => Promise<Page<View>>,
): Promise<View[]> {
  const views: View[] = [];
  let cursor: string | null = null;
  do {
    const page: Page<View> = await list({ limit: PAGE_LIMIT_MAX, ...(cursor === null ? {} : { cursor }) });
    views.push(...page.data);
    cursor = page.next_cursor === null ? null : Buffer.from(page.next_cursor, 'base64url').toString('utf8');
  } while (cursor !== null);
  return views;
}
