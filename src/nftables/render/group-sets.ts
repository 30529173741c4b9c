/** Groups of the program as sets: one a family, shared by every rule that uses the group. */
import { families, familyOf, formatCidr, type Address, type Family } from '../../model/address.js';
import { splitListener, type Group, type Listener, type Member } from '../../program/types.js';
import { joinKey, networkKey } from '../language/elements.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';
import { addressType } from '../language/key-types.js';
import type { KeyType, NftSet } from '../language/types.js';

export function groupSetNames({ kind, id }: Pick<Group, 'kind' | 'id'>): Readonly<Record<Family, string>> {
  const group = hashOf(kind, id);
  const nameIn = (family: Family): string => sets.nameOf({ kind: 'group', of: kind, family, group });
  return { IPv4: nameIn('IPv4'), IPv6: nameIn('IPv6') };
}

/** Whether the family has a set at all. CIDRs never change, so a family without any needs none. */
export const hasFamily = (group: Group, family: Family): boolean =>
  group.kind !== 'blocks' || group.cidrs.some((cidr) => cidr.family === family);

/**
 * `blocks` are (address . protocol) with every protocol, not a plain interval set: nft reads plain ones back whenever
 * any set changes. The protocol and not the port, because a port neither loads without its protocol's context nor means
 * anything for ICMP; with the protocol one set serves rules with and without ports, and ICMP, GRE and the rest match.
 */
function typeOf(kind: Group['kind'], family: Family): readonly KeyType[] {
  const address = addressType(family);
  if (kind === 'pods') return [address];
  return kind === 'blocks' ? [address, 'inet_proto'] : [address, 'inet_proto', 'inet_service'];
}

const networksInTitle = 4;

/**
 * What the group holds, for people. Blocks are named by their networks: two ipBlocks with other excepts may come to the
 * same networks and share a set, and the ruleset must not depend on whose words came first.
 */
export function titleOf(group: Group): string {
  if (group.kind !== 'blocks') return group.title;
  const shown = group.cidrs.slice(0, networksInTitle).map(formatCidr).join(', ');
  const rest = group.cidrs.length - networksInTitle;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}

interface GroupElement {
  readonly family: Family;
  readonly key: string;
}

/** The element of a group's member. */
export function memberElement(group: Group, member: Member): GroupElement {
  if (group.kind !== 'listeners') return { family: familyOf(member as Address), key: member };
  const { address, port } = splitListener(member as Listener);
  return { family: familyOf(address), key: joinKey(address, group.protocol.toLowerCase(), port) };
}

/** The group's sets with everything that is in it. */
export function groupSets(group: Group): (NftSet & { readonly elements: Map<string, string> })[] {
  const elements: GroupElement[] =
    group.kind === 'blocks'
      ? group.cidrs.map((cidr) => ({ family: cidr.family, key: networkKey(cidr) }))
      : [...group.members].map((member) => memberElement(group, member));
  const names = groupSetNames(group);
  return families
    .filter((family) => hasFamily(group, family))
    .map((family) => ({
      name: names[family],
      title: titleOf(group),
      type: typeOf(group.kind, family),
      verdicts: false,
      interval: group.kind === 'blocks',
      elements: new Map(elements.filter((element) => element.family === family).map(({ key }) => [key, ''])),
    }));
}
