import { isIP } from 'node:net';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';

/** Everything that is given out as unicast (RFC 4291); what lies beside it, like `::127.0.0.1`, is nowhere. */
const GLOBAL_IPV6: [IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Where clouds hand out credentials to whoever asks from inside, beyond the link-local ranges. The first looks public.
 * Azure's wire server, Alibaba, Oracle, and the IPv6 addresses of AWS and Google.
 */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd20:ce::254',
]);

/**
 * Whether an address is on the public internet: no loopback, private, link-local, unique local, carrier NAT,
 * benchmarking, documentation or reserved range, no metadata service, and no IPv6 form that carries an IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  const parsed = parse(address);
  if (parsed === null || parsed.range() !== 'unicast' || isMetadataAddress(address)) return false;
  return parsed.kind() === 'ipv4' || ((parsed as IPv6).match(GLOBAL_IPV6) && !isTunnel(parsed as IPv6));
}

/** Whether an address belongs to a link, or to the metadata service of a cloud: nothing there is ever an upstream. */
export function isMetadataAddress(address: string): boolean {
  const parsed = parse(address);
  if (parsed === null) return false;
  const inner = parsed.kind() === 'ipv6' ? carriedAddress(parsed as IPv6) : null;
  return [parsed, ...(inner === null ? [] : [inner])].some(
    (one) => one.range() === 'linkLocal' || METADATA_ADDRESSES.has(one.toString()),
  );
}

/** An IP address written as the host of a URL, without the brackets of IPv6; `null` for a name. */
export function literalAddress(hostname: string): string | null {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname;
  return isIP(bare) === 0 ? null : bare;
}

/**
 * The network whose addresses one client can change at will: an IPv4 address alone (an IPv4-mapped one is that), the /64 of an
 * IPv6 address. Other text stays as it is.
 */
export function networkOfClient(address: string): string {
  const parsed = parse(address);
  if (parsed === null) return address;
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString()}/64`;
}

/** An IPv4-mapped address is its IPv4 address; a zone says nothing about where an address is. */
function parse(address: string): IPv4 | IPv6 | null {
  const bare = address.replace(/%.*$/, '');
  return isIP(bare) === 0 ? null : ipaddr.process(bare);
}

/** ISATAP (RFC 5214): any prefix, then `0:5efe` or `200:5efe`, then an IPv4 address. */
function isTunnel(address: IPv6): boolean {
  return address.parts[5] === 0x5efe && ((address.parts[4] ?? 0) & 0xfdff) === 0;
}

/** The IPv4 address inside of 6to4, NAT64, ISATAP, IPv4-compatible and IPv4-translated addresses; `null` in others. */
function carriedAddress(address: IPv6): IPv4 | null {
  const at = address.range() === '6to4' ? 1 : carriesAtTheEnd(address) ? 6 : null;
  if (at === null) return null;
  const octets = address.parts.slice(at, at + 2).flatMap((part) => [part >> 8, part & 0xff]);
  return new ipaddr.IPv4(octets);
}

function carriesAtTheEnd(address: IPv6): boolean {
  const isCompatible = address.parts.slice(0, 6).every((part) => part === 0);
  return isCompatible || isTunnel(address) || address.range() === 'rfc6052' || address.range() === 'rfc6145';
}
