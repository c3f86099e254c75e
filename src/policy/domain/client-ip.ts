import { parseIp, type IpAddress, type IpSet } from './ip-set.js';
import type { ClientIp, HeaderFields } from './policy.js';

const SHOWN_CHARS_MAX = 64;
const IPV4_WITH_PORT = /^([\d.]+):\d{1,5}$/;
const BRACKETED_IPV6 = /^\[([^\]]+)\](?::\d{1,5})?$/;

/**
 * Finds the address that a request comes from. Headers count only when the peer itself is a trusted proxy; then
 * `X-Forwarded-For` is walked from the right over trusted hops, because everything left of the first untrusted hop is
 * what that hop chose to write. Without it `X-Real-IP` counts.
 * @returns an address in canonical form, or the text that could not be read, which matches no rule.
 */
export function resolveClientIp(peerAddress: string, headers: HeaderFields, trusted: IpSet): ClientIp {
  const peer = parseIp(peerAddress);
  const socket: ClientIp = { address: peer?.text ?? shown(peerAddress), source: 'socket' };
  if (peer === null || !isTrusted(peer, trusted)) return withIgnoredHeader(socket, headers);
  const hops = hopsOf(headers['x-forwarded-for']);
  if (hops.length > 0) return { address: walk(hops, trusted), source: 'x-forwarded-for' };
  const [realIp] = hopsOf(headers['x-real-ip']);
  if (realIp === undefined) return socket;
  return { address: parseHop(realIp)?.text ?? shown(realIp), source: 'x-real-ip' };
}

/** Says so when a header was not believed: a proxy that nobody declared is the usual reason of a wrong address. */
function withIgnoredHeader(socket: ClientIp, headers: HeaderFields): ClientIp {
  if (headers['x-forwarded-for'] !== undefined) return { ...socket, ignoredHeader: 'x-forwarded-for' };
  if (headers['x-real-ip'] !== undefined) return { ...socket, ignoredHeader: 'x-real-ip' };
  return socket;
}

/** The first hop from the right that is not a trusted proxy; the leftmost one when all are. */
function walk(hops: readonly string[], trusted: IpSet): string {
  let address = '';
  for (let place = hops.length - 1; place >= 0; place--) {
    const hop = hops[place] ?? '';
    const parsed = parseHop(hop);
    if (parsed === null) return shown(hop);
    address = parsed.text;
    if (!isTrusted(parsed, trusted)) return address;
  }
  return address;
}

/** Several fields of one name are one list, in order. */
function hopsOf(field: string | readonly string[] | undefined): string[] {
  if (field === undefined) return [];
  const text = typeof field === 'string' ? field : field.join(',');
  return text
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => hop !== '');
}

/** Some proxies add the port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): IpAddress | null {
  const bare = IPV4_WITH_PORT.exec(hop)?.[1] ?? BRACKETED_IPV6.exec(hop)?.[1] ?? hop;
  return parseIp(bare);
}

function isTrusted(address: IpAddress, trusted: IpSet): boolean {
  return trusted.match(address) !== null;
}

function shown(text: string): string {
  return text.slice(0, SHOWN_CHARS_MAX);
}
