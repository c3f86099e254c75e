import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';

/** Targets that are not a plain path: absolute form, `*`, escapes, fragments. */
const UNUSUAL = /^[^/]|[%#]/;
const ORIGIN = /^https?:\/\/[^/?#]*/i;
const UNRESERVED = /[\w.~-]/;
/** A name, an IPv4 or a bracketed IPv6 address, and a port. Commas, which a name may hold in theory, join two hosts. */
const HOST = /^(?:\[([\da-f:.]+)\]|(?:[\w.~-]|%[\da-f]{2})+)(?::\d{0,5})?$/i;

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

/**
 * Why a request does not say which host it is for: exactly one `Host` that can be one, none only in HTTP/1.0 (RFC 9112 §3.2), and
 * a host in an absolute target (§3.2.2). Proxies before the gateway may have acted on another one of two.
 * @param target as it was sent.
 * @returns a message for the caller, `null` when nothing is wrong.
 */
export function hostFault({ rawHeaders, httpVersion }: IncomingMessage, target: string): string | null {
  const hosts = rawHeaders.filter((_text, at) => at % 2 === 1 && isHostName(rawHeaders[at - 1] ?? ''));
  const [host] = hosts;
  if (host === undefined) return httpVersion === '1.1' ? 'the Host header is missing' : null;
  if (hosts.length > 1) return 'the request has more than one Host header';
  if (!isHost(host)) return 'the Host header is not a host';
  const origin = ORIGIN.exec(target)?.[0];
  return origin === undefined || isHost(origin.slice(origin.indexOf('//') + 2))
    ? null
    : 'the request target does not name a host';
}

function isHostName(name: string): boolean {
  return name.length === 4 && name.toLowerCase() === 'host';
}

function isHost(text: string): boolean {
  const found = HOST.exec(text);
  return found !== null && (found[1] === undefined || isIPv6(found[1]));
}

function undoEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return UNRESERVED.test(character) ? character : escape;
}
