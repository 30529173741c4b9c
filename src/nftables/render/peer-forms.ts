/** What a rule's peers are looked up with: sets of pods, sets of CIDRs, or nothing. */
import type { Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import type { GroupId, PeerMatch } from '../../program/types.js';
import * as x from '../language/expressions.js';
import type { MutableSet } from '../language/mutable-ruleset.js';
import type { Statement } from '../language/types.js';
import { blockSets, type BlockSets } from './block-sets.js';
import type { SetUse } from './group-sets.js';

/** What can be asked of a flow's peer. */
export interface PeerForm {
  /** Equal for forms that ask the same of one direction. */
  readonly key: string;
  readonly title: string;
  readonly families: readonly Family[];
  match(family: Family, view?: x.RelationView): readonly Statement[];
  /** The sets that it needs. */
  readonly pods?: SetUse;
  readonly sets: readonly MutableSet[];
}

/** With more groups of pods than this, a rule has a set of its own for all of them: a packet pays for each look-up. */
const mostGroupsLookedUp = 8;

interface PeerContext {
  readonly direction: Direction;
  /** Without one there are no forms: no packet asks. */
  readonly families: readonly Family[];
  readonly unionOf: (ids: readonly GroupId[]) => SetUse;
}

/** The rule allows what one of them matches. */
export function peerForms(peers: PeerMatch, { direction, families, unionOf }: PeerContext): readonly PeerForm[] {
  if (families.length === 0) return [];
  if (peers.kind === 'anyone') return [{ key: 'anyone', title: 'anyone', families, match: () => [], sets: [] }];
  const groups = [...new Set(peers.of.flatMap((peer) => (peer.kind === 'pods' ? [peer.of] : [])))];
  const uses = groups.length > mostGroupsLookedUp ? [unionOf(groups)] : groups.map((id) => unionOf([id]));
  const blocks = peers.of.filter((peer) => peer.kind === 'addressBlock');
  return [
    ...uses.map((use) => podsForm(use, direction, families)),
    ...families.flatMap((family) => blockSets(blocks, family).map((layer) => blocksForm(layer, family, direction))),
  ];
}

/** The peer is the client of what comes in, and the server of what goes out. */
export const peerAddress = (direction: Direction, family: Family, view: x.RelationView = x.byFlow): x.Expression =>
  direction === 'ingress' ? view.client(family) : view.server(family);

const podsForm = (pods: SetUse, direction: Direction, families: readonly Family[]): PeerForm => ({
  key: pods.id,
  title: pods.title,
  families,
  match: (family, view) => [x.inSet(peerAddress(direction, family, view), pods.names[family])],
  pods,
  sets: [],
});

function blocksForm({ allowed, denied }: BlockSets, family: Family, direction: Direction): PeerForm {
  const except = denied === undefined ? '' : ` except ${denied.title ?? ''}`;
  return {
    key: `${allowed.name} ${denied?.name ?? ''}`,
    title: `${allowed.title ?? ''}${except}`,
    families: [family],
    match: (_, view = x.byFlow) => {
      const key = x.concat(peerAddress(direction, family, view), view.protocol);
      return [x.inSet(key, allowed.name), ...(denied === undefined ? [] : [x.notInSet(key, denied.name)])];
    },
    sets: [allowed, ...(denied === undefined ? [] : [denied])],
  };
}
