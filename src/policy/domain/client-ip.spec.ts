import { resolveClientIp } from './client-ip.js';
import { IpSet } from './ip-set.js';

const trusted = new IpSet(['10.0.0.0/8', '2001:db8:1::/48']);
const nobody = new IpSet([]);

describe('resolveClientIp', () => {
  it('takes the socket for the truth when nobody is trusted, whatever the headers say', () => {
    const forged = { 'x-forwarded-for': '1.1.1.1', 'x-real-ip': '2.2.2.2', 'cf-connecting-ip': '3.3.3.3' };
    const ip = resolveClientIp('10.0.0.1', forged, nobody);
    expect(ip).toEqual({ address: '10.0.0.1', source: 'socket', ignoredHeader: 'x-forwarded-for' });
  });

  it.each(['x-forwarded-for', 'x-real-ip'])(
    'takes the socket for the truth when the peer is not a trusted proxy, and says that %s was not believed',
    (header) => {
      const ip = resolveClientIp('203.0.113.7', { [header]: '10.0.0.9' }, trusted);
      expect(ip).toEqual({ address: '203.0.113.7', source: 'socket', ignoredHeader: header });
    },
  );

  it.each([
    ['one hop', '203.0.113.7', '203.0.113.7'],
    ['a forged left part', '8.8.8.8, 203.0.113.7', '203.0.113.7'],
    ['trusted hops on the right', '8.8.8.8, 203.0.113.7, 10.2.0.1, 10.3.0.1', '203.0.113.7'],
    ['only trusted hops', '10.9.0.1, 10.8.0.1', '10.9.0.1'],
    ['IPv6 hops', '2001:DB8:2::0001, 2001:db8:1::5', '2001:db8:2::1'],
    ['a port', '203.0.113.7:5012', '203.0.113.7'],
    ['a bracketed IPv6 with a port', '[2001:db8:2::1]:5012', '2001:db8:2::1'],
    ['a mapped hop', '::ffff:203.0.113.7', '203.0.113.7'],
    ['a mapped trusted hop', '203.0.113.7, ::ffff:10.0.0.7', '203.0.113.7'],
    ['empty elements', ' , 203.0.113.7, ', '203.0.113.7'],
  ])('walks X-Forwarded-For from the right: %s', (_what, chain, expected) => {
    const ip = resolveClientIp('10.0.0.1', { 'x-forwarded-for': chain }, trusted);
    expect(ip).toEqual({ address: expected, source: 'x-forwarded-for' });
  });

  it('reads several X-Forwarded-For fields as one list', () => {
    const ip = resolveClientIp('10.0.0.1', { 'x-forwarded-for': ['8.8.8.8', '203.0.113.7, 10.0.0.2'] }, trusted);
    expect(ip.address).toBe('203.0.113.7');
  });

  it.each(['unknown', '_hidden', '999.1.1.1', '1.2.3.4; drop', '0x7f000001'])(
    'stops at the unreadable hop %p and does not go on to what is left of it',
    (hop) => {
      const ip = resolveClientIp('10.0.0.1', { 'x-forwarded-for': `203.0.113.7, ${hop}, 10.0.0.2` }, trusted);
      expect(ip).toEqual({ address: hop, source: 'x-forwarded-for' });
    },
  );

  it('shows at most 64 characters of an unreadable hop', () => {
    expect(resolveClientIp('10.0.0.1', { 'x-forwarded-for': 'x'.repeat(9_000) }, trusted).address).toHaveLength(64);
  });

  it('uses X-Real-IP only when there is no X-Forwarded-For', () => {
    const both = { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '198.51.100.1' };
    expect(resolveClientIp('10.0.0.1', both, trusted).address).toBe('203.0.113.7');
    const ip = resolveClientIp('10.0.0.1', { 'x-forwarded-for': '', 'x-real-ip': '198.51.100.1' }, trusted);
    expect(ip).toEqual({ address: '198.51.100.1', source: 'x-real-ip' });
  });

  it('falls back to a trusted peer that sent no headers', () => {
    expect(resolveClientIp('::ffff:10.0.0.1', {}, trusted)).toEqual({ address: '10.0.0.1', source: 'socket' });
  });

  it('does not trust a peer that it cannot read', () => {
    expect(resolveClientIp('', { 'x-forwarded-for': '203.0.113.7' }, trusted)).toEqual({
      address: '',
      source: 'socket',
      ignoredHeader: 'x-forwarded-for',
    });
  });
});
