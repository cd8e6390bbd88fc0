import ipaddr from 'ipaddr.js';
import { CommonspaceError } from '../domain/errors.js';

/** Networks beyond the public internet that addresses may lead into. */
export type Networks = readonly (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[];

/**
 * Networks from CIDR notation (`10.1.0.0/16`, `fd00::/8`); a bare address means itself alone.
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
    throw new CommonspaceError('BAD_CONFIG', `"${text}" is not a network: 10.1.0.0/16 or fd00::/8, say.`);
  });
}

/**
 * Whether a connection to this address may be opened: it is on the public internet, or in a network that was allowed.
 * What is not positively known to be public counts as not public: private, loopback, link-local, shared (CGNAT),
 * multicast, reserved, documentation and unallocated ranges, and every IPv6 form that carries an IPv4 address inside
 * (mapped, NAT64, 6to4, Teredo), because a router or the system would unpack it.
 *
 * @param address an IP address in text form, e.g. from a DNS answer
 */
export function addressAllowed(address: string, networks: Networks): boolean {
  if (!ipaddr.isValid(address)) return false;
  const ip = ipaddr.parse(address);
  if (isPublic(ip)) return true;
  // A mapped address is the IPv4 address for the system that connects, so an allowed IPv4 network holds it.
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
