/** The ipBlocks of rules, and what they hold. */
import { rangeOf, rangesOf, subtractRanges, type AddressRange } from '../addresses/address-ranges.js';
import type { Block, PeerMatch, PolicyProgram, RulePeer } from '../program/types.js';

export type BlockPeer = Extract<RulePeer, { kind: 'addressBlock' }>;

export const blocksOf = (peers: PeerMatch): readonly BlockPeer[] =>
  peers.kind === 'anyone' ? [] : peers.of.filter((peer) => peer.kind === 'addressBlock');

/** Every block of a program's rules. */
export const blocksIn = ({ ruleLists }: PolicyProgram): readonly BlockPeer[] =>
  [...ruleLists.values()].flatMap(({ rules }) => rules.flatMap(({ peers }) => blocksOf(peers)));

/** What a block holds, sorted; all of its own family. */
export const rangesOfBlock = ({ cidr, except }: Block): readonly AddressRange[] =>
  subtractRanges(rangeOf(cidr), rangesOf(except, cidr.family));
