import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { InvalidIpRuleError, IpSet, parseIp } from './ip-set.js';

function matchOf(rules: string[], address: string): string | null {
  const parsed = parseIp(address);
  if (parsed === null) throw new Error(`not an address: ${address}`);
  return new IpSet(rules).match(parsed);
}

describe('parseIp', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::', '::'],
  ])('reads %s as %s', (text, expected) => {
    expect(parseIp(text)?.text).toBe(expected);
  });

  it.each([
    '',
    '1',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '2130706433',
    '256.1.1.1',
    '1.2.3.4:80',
    '[::1]',
    'localhost',
    '1.2.3.4 ',
  ])('takes %p for no address', (text) => {
    expect(parseIp(text)).toBeNull();
  });

  it('takes an endless text for no address', () => {
    expect(parseIp(`1.2.3.4%${'a'.repeat(100_000)}`)).toBeNull();
  });
});

describe('IpSet', () => {
  it.each([
    ['10.0.0.0/8', '10.255.255.255', true],
    ['10.0.0.0/8', '11.0.0.0', false],
    ['10.1.2.3/8', '10.9.9.9', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['203.0.113.9', '203.0.113.9', true],
    ['203.0.113.9/32', '203.0.113.8', false],
    ['255.255.255.255/31', '255.255.255.254', true],
    ['128.0.0.0/1', '200.1.1.1', true],
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::', false],
    ['2001:db8::1', '2001:db8:0:0::1', true],
    ['::/0', '2001:db8::1', true],
    ['::1/128', '::1', true],
    ['192.0.2.0/24', '::ffff:192.0.2.77', true],
    ['::ffff:192.0.2.0/120', '192.0.2.77', true],
    ['::ffff:192.0.2.0/120', '192.0.3.77', false],
    ['::ffff:192.0.2.7', '192.0.2.7', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '192.0.2.1', false],
  ])('%s holds %s: %p', (rule, address, expected) => {
    expect(matchOf([rule], address)).toBe(expected ? rule : null);
  });

  it('names the most specific rule that holds the address', () => {
    expect(matchOf(['10.0.0.0/8', '10.1.0.0/16', '10.1.2.3'], '10.1.2.3')).toBe('10.1.2.3');
    expect(matchOf(['10.1.0.0/16', '10.0.0.0/8'], '10.1.9.9')).toBe('10.1.0.0/16');
  });

  it('is empty without rules and then holds nothing', () => {
    expect(new IpSet([]).isEmpty).toBe(true);
    expect(matchOf([], '10.0.0.1')).toBeNull();
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/08',
    '10.0.0/8',
    '::/129',
    '::ffff:1.2.3.4/95',
    'fe80::/a',
    '*',
    '',
  ])('refuses the rule %p and names it', (rule) => {
    expect(() => new IpSet(['10.0.0.1', rule])).toThrow(new InvalidIpRuleError(rule));
  });

  it('agrees with ipaddr.js on any range of either family', () => {
    const ipv4 = fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }));
    const ipv6 = fc.tuple(fc.ipV6(), fc.ipV6(), fc.integer({ min: 0, max: 128 }));
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6), ([address, network, bits]) => {
        const parsed = ipaddr.process(address);
        const range = ipaddr.parseCIDR(`${network}/${bits}`);
        fc.pre(parsed.kind() === range[0].kind() && parseIp(network)?.family === (parsed.kind() === 'ipv4' ? 4 : 6));
        expect(matchOf([`${network}/${bits}`], address) !== null).toBe(parsed.match(range));
      }),
    );
  });
});
