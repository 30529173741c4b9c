/** CIDRs as sets, named by what they hold: such a set never changes, and rules that hold the same CIDRs share it. */
import { addressLayers } from '../../addresses/address-layers.js';
import { formatCidr, type Cidr, type Family } from '../../model/address.js';
import type { Block } from '../../program/types.js';
import { networkKey } from '../language/elements.js';
import { addressType } from '../language/key-types.js';
import type { MutableSet } from '../language/mutable-ruleset.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';

/** The addresses of `allowed` that are not in `denied`. */
export interface BlockSets {
  readonly allowed: MutableSet;
  readonly denied?: MutableSet;
}

/** What a rule's blocks hold of a family: together, all of these. Nearly always one, see {@link addressLayers}. */
export const blockSets = (blocks: readonly Block[], family: Family): readonly BlockSets[] =>
  addressLayers(blocks, family).map(({ allowed, denied }) => ({
    allowed: blockSet(allowed, family),
    ...(denied.length === 0 ? {} : { denied: blockSet(denied, family) }),
  }));

/**
 * (address . protocol) with every protocol, not a plain interval set: nft reads plain ones back whenever any set
 * changes. The protocol and not the port, because a port neither loads without its protocol's context nor means anything
 * for ICMP; with the protocol one set serves rules with and without ports, and ICMP, GRE and the rest match.
 */
function blockSet(cidrs: readonly Cidr[], family: Family): MutableSet {
  const keys = cidrs.map(networkKey);
  return {
    name: sets.nameOf({ kind: 'group', of: 'blocks', family, group: hashOf(keys.join('\0')) }),
    title: titleOf(cidrs),
    type: [addressType(family), 'inet_proto'],
    verdicts: false,
    interval: true,
    elements: new Map(keys.map((key) => [key, ''])),
  };
}

const networksInTitle = 4;

/** By their networks, whatever the words of the YAML: the ruleset must not depend on whose words came first. */
function titleOf(cidrs: readonly Cidr[]): string {
  const shown = cidrs.slice(0, networksInTitle).map(formatCidr).join(', ');
  const rest = cidrs.length - networksInTitle;
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
