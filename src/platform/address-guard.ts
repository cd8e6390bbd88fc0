import ipaddr from 'ipaddr.js';
import { CommonspaceError } from '../domain/errors.js';

/** Networks outside the public internet that fetches may reach. */
export type Networks = readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];

/**
 * Parses networks in CIDR notation (`10.1.0.0/16`, `fd00::/8`). A bare address is a network of one address.
 *
 * @throws CommonspaceError BAD_CONFIG
 */
export function parseNetworks(cidrs: readonly string[]): Networks {
  return cidrs.map((text) => {
    const cidr = text.trim();
    if (ipaddr.isValidCIDR(cidr)) return ipaddr.parseCIDR(cidr);
    if (ipaddr.IPv4.isValidFourPartDecimal(cidr) || ipaddr.IPv6.isValid(cidr)) {
      const address = ipaddr.parse(cidr);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    }
    throw new CommonspaceError('BAD_CONFIG', `"${text}" is not a network such as 10.1.0.0/16 or fd00::/8.`);
  });
}

/**
 * Whether a connection to this address may be opened: the address is public, or in an allowed network.
 * These ranges are not public: private, loopback, link-local, shared (CGNAT), multicast, reserved, documentation and
 * unallocated ones, and all IPv6 forms that contain an IPv4 address (mapped, NAT64, 6to4, Teredo), because a router or the
 * operating system can translate them.
 *
 * @param address an IP address in text form, e.g. from a DNS answer
 */
export function addressAllowed(address: string, networks: Networks): boolean {
  if (!ipaddr.isValid(address)) return false;
  const ip = ipaddr.parse(address);
  if (isPublic(ip)) return true;
  // The operating system connects to the IPv4 address in a mapped address, so allowed IPv4 networks apply to it.
  const forms = ip instanceof ipaddr.IPv6 && ip.isIPv4MappedAddress() ? [ip, ip.toIPv4Address()] : [ip];
  return networks.some(([network, bits]) =>
    forms.some((form) => form.kind() === network.kind() && form.match(network, bits)),
  );
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

function isPublic(ip: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (ip.range() !== 'unicast') return false;
  return ip instanceof ipaddr.IPv4 || ip.match(GLOBAL_UNICAST);
}
