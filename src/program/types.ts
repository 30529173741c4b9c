/**
 * The middle form: what one node (or, in analysis, everywhere) must enforce, free of selectors and of nft.
 * Ids say what is selected, never who is in it, so membership changes rename nothing.
 */
import type { Address, Cidr } from '../model/address.js';
import type { ObjectRef } from '../model/pod.js';
import type { Direction, PolicyRef, Protocol } from '../model/policy.js';

/** Identity of a group: canonical text of what it selects. */
export type GroupId = string & { readonly __brand: 'GroupId' };
/** Identity of a rule list: `direction namespace/name`, plus nothing else: one per policy and direction. */
export type RuleListId = string & { readonly __brand: 'RuleListId' };

/**
 * A set of peers or of listening ports that rules share.
 * - `pods`: addresses of the pods that a (namespace selector, pod selector) pair selects.
 * - `listeners`: where a named port listens, as address and port number, for one protocol.
 */
export type Group =
  | { readonly kind: 'pods'; readonly id: GroupId; readonly title: string; readonly members: ReadonlySet<Address> }
  | {
      readonly kind: 'listeners';
      readonly id: GroupId;
      readonly title: string;
      readonly protocol: Protocol;
      readonly members: ReadonlySet<Listener>;
    };

/** `address port`, for example `10.244.1.11 8080`: one string, so that sets compare by value. */
export type Listener = string & { readonly __brand: 'Listener' };
export const listener = (address: Address, port: number): Listener => `${address} ${port}` as Listener;
export function splitListener(value: Listener): { address: Address; port: number } {
  const [address = '', port = ''] = value.split(' ');
  return { address: address as Address, port: Number(port) };
}

/** Where a rule stands in the user's YAML; `peer` and `port` are absent when the rule names none. */
export interface RuleOrigin {
  readonly policy: PolicyRef;
  readonly direction: Direction;
  readonly rule: number;
  readonly peer?: number;
  readonly port?: number;
}

/** One ipBlock of a rule: what of `cidr` no `except` holds, which is something. Excepts may overlap, or lie elsewhere. */
export interface Block {
  readonly cidr: Cidr;
  readonly except: readonly Cidr[];
}

/** A peer of a rule; `index` is its place in the YAML's list. */
export type RulePeer =
  | { readonly kind: 'pods'; readonly index: number; readonly of: GroupId }
  | ({ readonly kind: 'addressBlock'; readonly index: number } & Block);

/** A port of a rule; `index` is its place in the YAML's list. A port of all TCP is the range 0 to 65535. */
export type RulePort =
  | {
      readonly kind: 'range';
      readonly index: number;
      readonly protocol: Protocol;
      readonly first: number;
      readonly last: number;
    }
  | { readonly kind: 'listeners'; readonly index: number; readonly protocol: Protocol; readonly of: GroupId };

/** A union has a member at least. */
export type PeerMatch = { readonly kind: 'anyone' } | { readonly kind: 'union'; readonly of: readonly RulePeer[] };
/** `anyPort` is every protocol, ICMP too. */
export type PortMatch = { readonly kind: 'anyPort' } | { readonly kind: 'union'; readonly of: readonly RulePort[] };

/**
 * What one rule of the YAML allows: every one of its peers on every one of its ports. A rule whose ports mean something
 * to some of its peers only is two, with the same `origin`.
 */
export interface AllowRule {
  readonly peers: PeerMatch;
  readonly ports: PortMatch;
  /** Without peer and port. */
  readonly origin: RuleOrigin;
}

/** The groups that a rule names; one of them may be named more than once. */
export const groupsOf = ({ peers, ports }: AllowRule): readonly GroupId[] => [
  ...(peers.kind === 'anyone' ? [] : peers.of.flatMap((peer) => (peer.kind === 'pods' ? [peer.of] : []))),
  ...(ports.kind === 'anyPort' ? [] : ports.of.flatMap((port) => (port.kind === 'listeners' ? [port.of] : []))),
];

/** All that one policy allows in one direction. Shared by every endpoint that the policy selects. */
export interface RuleList {
  readonly id: RuleListId;
  readonly policy: PolicyRef;
  readonly direction: Direction;
  /** In the order of the YAML; a broken policy's is empty. */
  readonly rules: readonly AllowRule[];
  /** The first packet of every flow that it allows is recorded. */
  readonly logsAllowed?: true;
}

export interface Isolated {
  readonly kind: 'isolated';
  /** Every policy that isolates, sorted by key; a default deny names all of them. */
  readonly by: readonly PolicyRef[];
  /** Sorted. */
  readonly allowedBy: readonly RuleListId[];
}

export type Isolation = { readonly kind: 'open' } | Isolated;

export const open: Isolation = { kind: 'open' };

/** A pod that policies are enforced on: in a node's program, the pods of that node. */
export interface Endpoint {
  readonly pod: ObjectRef;
  readonly podUid: string;
  /** How many policies select it, those in a dry run included. */
  readonly policies?: number;
  readonly node: string;
  readonly addresses: readonly Address[];
  readonly ingress: Isolation;
  readonly egress: Isolation;
  /** A dry run: what would hold with the policies in it, only for a direction in which they would change anything. */
  readonly dryRun?: { readonly ingress?: Isolated; readonly egress?: Isolated };
  /** The first packet of every allowed flow is recorded. */
  readonly logsAllowed?: true;
}

/** An address inside `ranges` that is not in `known` is dropped in both directions (--unknown-pods=deny). */
interface UnknownPods {
  readonly ranges: readonly Cidr[];
  /** Addresses of all known pods of the cluster that lie in `ranges`. */
  readonly known: ReadonlySet<Address>;
}

export interface PolicyProgram {
  readonly revision: number;
  /** By pod key `namespace/name`. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Only those that an endpoint's `allowedBy` names. */
  readonly ruleLists: ReadonlyMap<RuleListId, RuleList>;
  /** Only those that a rule names. */
  readonly groups: ReadonlyMap<GroupId, Group>;
  /** The own node's addresses (all nodes' by name in analysis): traffic between a pod and its own node is allowed. */
  readonly nodes: ReadonlyMap<string, readonly Address[]>;
  readonly unknown?: UnknownPods;
}

/** A member of a group as it enters a set: an address or a listener. */
export type Member = Address | Listener;

/** What one step changed; nothing in it is proportional to the cluster. `before` absent: new; `after` absent: gone. */
export interface ProgramChange {
  readonly revision: number;
  readonly endpoints: readonly { readonly key: string; readonly before?: Endpoint; readonly after?: Endpoint }[];
  readonly ruleLists: readonly { readonly id: RuleListId; readonly before?: RuleList; readonly after?: RuleList }[];
  readonly groups: readonly GroupChange[];
  readonly nodes: readonly { readonly name: string; readonly after?: readonly Address[] }[];
  readonly unknown?: UnknownChange;
}

/**
 * A group that came (`added` holds all its members), went, or changed members. `group` is the state after the change
 * (before, when it went); its `members` are live: read, do not keep.
 */
export interface GroupChange {
  readonly group: Group;
  readonly change: 'added' | 'removed' | 'members';
  readonly added: readonly Member[];
  readonly removed: readonly Member[];
}

export interface UnknownChange {
  /** Present when the ranges changed; all of them, after the change. */
  readonly ranges?: readonly Cidr[];
  readonly added: readonly Address[];
  readonly removed: readonly Address[];
}

/** Whether a change can only allow more (`widens`), or may forbid something (`narrows`; unknown is `narrows`). */
export type Effect = 'none' | 'widens' | 'narrows';

/** Rule list id of a policy's direction. */
export const ruleListId = (policy: PolicyRef, direction: Direction): RuleListId =>
  `${direction} ${policy.namespace}/${policy.name}` as RuleListId;
