import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address in the form in which it is compared; an IPv4-mapped IPv6 address is its IPv4 address. */
export type IpAddress = { family: 4; value: number; text: string } | { family: 6; value: bigint; text: string };

/** A single address or a CIDR range that cannot be read. */
export class InvalidIpRuleError extends Error {
  override readonly name = 'InvalidIpRuleError';
  constructor(readonly rule: string) {
    super(`not an IP address or CIDR range: ${rule}`);
  }
}

/** Bits of the IPv6 prefix under which the IPv4 addresses are mapped. */
const MAPPED_PREFIX_BITS = 96;
const MAPPED_PREFIX = '::ffff:';
const ADDRESS_CHARS_MAX = 64;
const PREFIX_PATTERN = /^(?:0|[1-9]\d{0,2})$/;

/**
 * Reads one address in its usual notation: no octal, hexadecimal or shortened IPv4, no port. A zone is dropped.
 * @returns `null` when the text is not an address.
 */
export function parseIp(text: string): IpAddress | null {
  if (text.length > ADDRESS_CHARS_MAX) return null;
  if (isIPv4(text)) return { family: 4, value: valueOfIpv4(text), text };
  if (text.startsWith(MAPPED_PREFIX)) {
    const mapped = text.slice(MAPPED_PREFIX.length);
    if (isIPv4(mapped)) return { family: 4, value: valueOfIpv4(mapped), text: mapped };
  }
  return parseIpv6(text);
}

/**
 * Addresses and ranges, compiled for a look-up whose cost depends on the number of different prefix lengths and not on
 * the number of rules.
 */
export class IpSet {
  private readonly ipv4 = new PrefixTable<number>((value, bits) =>
    bits === 0 ? 0 : (value & (-1 << (32 - bits))) >>> 0,
  );
  private readonly ipv6 = new PrefixTable<bigint>((value, bits) => (value >> BigInt(128 - bits)) << BigInt(128 - bits));

  /** @throws InvalidIpRuleError naming the first rule that is neither an address nor a range. */
  constructor(rules: readonly string[]) {
    for (const rule of rules) this.add(rule);
  }

  get isEmpty(): boolean {
    return this.ipv4.isEmpty && this.ipv6.isEmpty;
  }

  /** The most specific rule that holds the address, as it was written; `null` when none does. */
  match(address: IpAddress): string | null {
    return address.family === 4 ? this.ipv4.find(address.value) : this.ipv6.find(address.value);
  }

  private add(rule: string): void {
    const [addressText = '', prefixText, ...rest] = rule.split('/');
    const address = rest.length === 0 ? parseIp(addressText) : null;
    if (address === null) throw new InvalidIpRuleError(rule);
    const isMapped = address.family === 4 && addressText.includes(':');
    const bits = prefixText === undefined ? null : bitsOf(prefixText);
    if (Number.isNaN(bits)) throw new InvalidIpRuleError(rule);
    if (address.family === 6) this.ipv6.add(address.value, checkedBits(bits ?? 128, 128, rule), rule);
    else if (bits === null) this.ipv4.add(address.value, 32, rule);
    else this.ipv4.add(address.value, checkedBits(isMapped ? bits - MAPPED_PREFIX_BITS : bits, 32, rule), rule);
  }
}

/** Rules of one family by prefix length and network. */
class PrefixTable<Value extends number | bigint> {
  private readonly networks: { bits: number; rules: Map<Value, string> }[] = [];

  constructor(private readonly network: (value: Value, bits: number) => Value) {}

  get isEmpty(): boolean {
    return this.networks.length === 0;
  }

  add(value: Value, bits: number, rule: string): void {
    let table = this.networks.find((candidate) => candidate.bits === bits);
    if (table === undefined) {
      table = { bits, rules: new Map() };
      this.networks.push(table);
      this.networks.sort((left, right) => right.bits - left.bits);
    }
    const network = this.network(value, bits);
    if (!table.rules.has(network)) table.rules.set(network, rule);
  }

  find(value: Value): string | null {
    for (const { bits, rules } of this.networks) {
      const rule = rules.get(this.network(value, bits));
      if (rule !== undefined) return rule;
    }
    return null;
  }
}

function valueOfIpv4(text: string): number {
  return text.split('.').reduce((value, octet) => value * 256 + Number(octet), 0);
}

function parseIpv6(text: string): IpAddress | null {
  const withoutZone = text.split('%', 1)[0] ?? '';
  if (!isIPv6(withoutZone)) return null;
  const address = ipaddr.IPv6.parse(withoutZone);
  if (address.isIPv4MappedAddress()) {
    const mapped = address.toIPv4Address().toString();
    return { family: 4, value: valueOfIpv4(mapped), text: mapped };
  }
  const value = address.parts.reduce((sum, part) => (sum << 16n) | BigInt(part), 0n);
  return { family: 6, value, text: address.toRFC5952String() };
}

/** Bits of a prefix; `NaN` when the text is not a plain number. */
function bitsOf(text: string): number {
  return PREFIX_PATTERN.test(text) ? Number(text) : Number.NaN;
}

function checkedBits(bits: number, max: number, rule: string): number {
  if (bits < 0 || bits > max) throw new InvalidIpRuleError(rule);
  return bits;
}
