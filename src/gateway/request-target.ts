/** Targets that are not a plain path: absolute form, `*`, escapes, fragments. */
const UNUSUAL = /^[^/]|[%#]/;
const ORIGIN = /^https?:\/\/[^/?#]*/i;
const UNRESERVED = /[\w.~-]/;

/**
 * The path and query that a request target stands for: without scheme and host (RFC 9112 §3.2.2) and fragment, and with
 * needless escapes undone (RFC 3986 §6.2.2), so that router, error doors and the table of routes read the same path.
 */
export function pathOfTarget(target: string): string {
  if (!UNUSUAL.test(target)) return target;
  const [relative = ''] = target.replace(ORIGIN, '').split('#', 1);
  const query = relative.indexOf('?');
  const path = query === -1 ? relative : relative.slice(0, query);
  const plain = path.replace(/%[2-7][0-9a-f]/gi, undoEscape);
  return (plain.startsWith('/') ? plain : `/${plain}`) + (query === -1 ? '' : relative.slice(query));
}

function undoEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape;
}
