import { isMetadataAddress, isPublicAddress, literalAddress } from './addresses.js';

describe('isPublicAddress', () => {
  it.each(['8.8.8.8', '93.184.216.34', '2606:4700::6810:84e5', '::ffff:8.8.8.8', '::ffff:808:808'])(
    'lets %s pass',
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '198.18.0.1',
    '192.0.2.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    // Metadata services, the first on an address that looks public
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'fd20:ce::254',
    '::',
    '::1',
    'fc00::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '2001:db8::1',
    '4000::1',
    // IPv4 addresses in IPv6 clothes: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:169.254.169.254',
    '::ffff:168.63.129.16',
    '::127.0.0.1',
    '::7f00:1',
    '::ffff:0:7f00:1',
    '64:ff9b::7f00:1',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    '2606:4700::5efe:7f00:1',
    '2606:4700::200:5efe:a9fe:a9fe',
    // No addresses
    '127.1',
    '0x7f000001',
    '2130706433',
    'not an address',
    '',
  ])('refuses %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });
});

describe('isMetadataAddress', () => {
  it.each([
    '169.254.169.254',
    '169.254.170.2',
    '::ffff:169.254.169.254',
    '::169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::1',
    '168.63.129.16',
    '::ffff:a83f:8110',
    '100.100.100.200',
    '192.0.0.192',
    'fd00:ec2::254',
    'FD00:0EC2:0:0:0:0:0:254',
    'fd20:ce::254',
    'fe80::a9fe:a9fe',
    'fe80::1%eth0',
  ])('finds %s', (address) => {
    expect(isMetadataAddress(address)).toBe(true);
  });

  it.each(['127.0.0.1', '10.0.0.1', '192.168.1.1', 'fd00::1', '::1', '::', '8.8.8.8', '2606:4700::1', 'name'])(
    'leaves %s alone',
    (address) => {
      expect(isMetadataAddress(address)).toBe(false);
    },
  );
});

describe('literalAddress', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['[::1]', '::1'],
    ['::1', '::1'],
    ['api.acme.example', null],
    ['127.0.0.1.', null],
  ])('reads %s as %s', (hostname, expected) => {
    expect(literalAddress(hostname)).toBe(expected);
  });
});
