import { AppError } from '../../platform/errors/index.js';
import { checkOutboundUrl } from '../../platform/net/index.js';

/** Azure needs it; anything else in the query of a base URL could be a key in the clear. */
const QUERY_ALLOWED: ReadonlySet<string> = new Set(['api-version']);

/**
 * Checks a base URL when it is saved.
 * @returns the URL without trailing slashes, in canonical form: `http://2130706433/v1/` is `http://127.0.0.1/v1`.
 * @throws AppError `unprocessable` (`base_url_invalid`, `base_url_refused`).
 */
export async function checkedBaseUrl(text: string, allowPrivate: boolean): Promise<string> {
  const checked = await checkOutboundUrl(text, { allowPrivate, queryNames: QUERY_ALLOWED });
  if (checked.url !== null) return canonicalOf(checked.url);
  const message = `base_url ${checked.why}`;
  if (checked.fault === 'invalid') {
    throw new AppError('unprocessable', message, { code: 'base_url_invalid', param: 'base_url' });
  }
  throw new AppError('unprocessable', message, {
    code: 'base_url_refused',
    param: 'base_url',
    ...(allowPrivate ? {} : { hint: 'Set ALLOW_PRIVATE_UPSTREAMS=true to allow providers inside your own network.' }),
  });
}

/** A base URL as it would be stored, unchecked; `null` for what is no URL. */
export function canonicalBaseUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === 'https:' || url.protocol === 'http:' ? canonicalOf(url) : text;
}

function canonicalOf({ origin, pathname, search }: URL): string {
  return `${origin}${pathname.replace(/\/+$/, '')}${search}`;
}
