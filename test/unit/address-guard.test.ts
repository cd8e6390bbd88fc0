import { describe, expect, it } from 'vitest';
import { addressAllowed, parseNetworks } from '../../src/platform/address-guard.js';

describe('addressAllowed', () => {
  it.each(['1.1.1.1', '93.184.215.14', '223.255.255.255', '2606:4700::1111', '2a00:1450:4001::200e'])(
    'allows %s',
    (address) => {
      expect(addressAllowed(address, [])).toBe(true);
    },
  );

  it.each([
    ['unspecified', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['loopback', '127.0.0.1'],
    ['loopback, another address', '127.8.9.10'],
    ['private', '10.0.0.1'],
    ['private', '172.31.255.255'],
    ['private', '192.168.1.1'],
    ['link-local (cloud metadata)', '169.254.169.254'],
    ['shared (CGNAT)', '100.64.0.1'],
    ['protocol assignments', '192.0.0.8'],
    ['documentation', '192.0.2.1'],
    ['documentation', '203.0.113.9'],
    ['benchmarking', '198.18.0.1'],
    ['6to4 relay', '192.88.99.1'],
    ['multicast', '224.0.0.251'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['unspecified', '::'],
    ['loopback', '::1'],
    ['mapped', '::ffff:127.0.0.1'],
    ['mapped, of a public address', '::ffff:8.8.8.8'],
    ['IPv4-compatible', '::127.0.0.1'],
    ['translated (RFC 6145)', '::ffff:0:127.0.0.1'],
    ['NAT64', '64:ff9b::7f00:1'],
    ['NAT64, local', '64:ff9b:1::7f00:1'],
    ['6to4', '2002:7f00:1::'],
    ['Teredo', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['unique local', 'fd00::1'],
    ['link-local', 'fe80::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['site-local', 'fec0::1'],
    ['multicast', 'ff02::1'],
    ['discard', '100::1'],
    ['documentation', '2001:db8::1'],
    ['unallocated', '4000::1'],
    ['not an address', 'example.org'],
  ])('refuses %s: %s', (_what, address) => {
    expect(addressAllowed(address, [])).toBe(false);
  });

  it('allows the configured networks and no others', () => {
    const networks = parseNetworks(['127.0.0.1/32', '10.1.0.0/16', 'fd00:1::/32']);
    expect(addressAllowed('127.0.0.1', networks)).toBe(true);
    expect(addressAllowed('::ffff:127.0.0.1', networks)).toBe(true);
    expect(addressAllowed('127.0.0.2', networks)).toBe(false);
    expect(addressAllowed('::ffff:127.0.0.2', networks)).toBe(false);
    expect(addressAllowed('10.1.255.255', networks)).toBe(true);
    expect(addressAllowed('10.2.0.0', networks)).toBe(false);
    expect(addressAllowed('fd00:1::5', networks)).toBe(true);
    expect(addressAllowed('fd00:2::5', networks)).toBe(false);
    expect(addressAllowed('64:ff9b::a01:1', networks)).toBe(false);
  });
});

describe('parseNetworks', () => {
  it('parses a bare address as a network of one address', () => {
    const networks = parseNetworks([' 192.168.0.7 ', '::1']);
    expect(addressAllowed('192.168.0.7', networks)).toBe(true);
    expect(addressAllowed('192.168.0.8', networks)).toBe(false);
    expect(addressAllowed('::1', networks)).toBe(true);
  });

  it.each(['10.0.0.0/33', 'example.org', '10', ''])('refuses %j', (text) => {
    expect(() => parseNetworks([text])).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
  });
});
