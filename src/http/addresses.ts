import { BlockList, isIP } from 'node:net';

/**
 * `metadata`: where clouds hand out the identity of a machine. `internal`: loopback, link-local, private and other
 * addresses that mean something else in each network (IANA's special-purpose registries). `public`: the rest.
 */
export type AddressKind = 'metadata' | 'internal' | 'public';

const metadata = listOf(
  [
    ['169.254.169.254', 32], // most clouds
    ['169.254.170.2', 32], // tasks of Amazon ECS
    ['169.254.170.23', 32], // pod identities of Amazon EKS
    ['100.100.100.200', 32], // Alibaba Cloud
    ['168.63.129.16', 32], // Azure's host
  ],
  [
    ['fd00:ec2::254', 128],
    ['fd00:ec2::23', 128],
    ['fd20:ce::254', 128], // Google Cloud
  ],
);

const internal = listOf(
  [
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.168.0.0', 16],
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 4],
    ['240.0.0.0', 4],
  ],
  [
    ['::', 96], // unspecified, loopback, IPv4-compatible
    ['64:ff9b::', 96], // NAT64 and its like lead to any IPv4 address
    ['64:ff9b:1::', 48],
    ['100::', 64],
    ['2001::', 32], // Teredo
    ['2001:db8::', 32],
    ['2002::', 16], // 6to4
    ['fc00::', 7],
    ['fe80::', 10],
    ['fec0::', 10],
    ['ff00::', 8],
  ],
);

/** What kind of address this is (an IPv4 address in an IPv6 one counts as itself). Text that is none: `internal`. */
export function kindOfAddress(address: string): AddressKind {
  const version = isIP(address);
  if (version === 0) return 'internal';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const bare = address.split('%')[0] ?? ''; // fe80::1%eth0
  if (metadata.check(bare, family)) return 'metadata';
  return internal.check(bare, family) ? 'internal' : 'public';
}

/** The address that a URL's hostname is, without brackets; undefined when it is a name. */
export function literalAddress(hostname: string): string | undefined {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1');
  return isIP(bare) === 0 ? undefined : bare;
}

function listOf(v4: [net: string, prefix: number][], v6: [net: string, prefix: number][]): BlockList {
  const list = new BlockList();
  for (const [net, prefix] of v4) list.addSubnet(net, prefix, 'ipv4');
  for (const [net, prefix] of v6) list.addSubnet(net, prefix, 'ipv6');
  return list;
}
