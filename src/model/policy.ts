import type { Cidr } from './address.js';
import type { Diagnostic } from './diagnostic.js';
import type { LabelSelector } from './labels.js';

export type Direction = 'ingress' | 'egress';
export const directions = ['ingress', 'egress'] as const satisfies readonly Direction[];

/** The protocols that a NetworkPolicy can name. */
export type Protocol = 'TCP' | 'UDP' | 'SCTP';
export const protocols = ['TCP', 'UDP', 'SCTP'] as const satisfies readonly Protocol[];

export interface PolicyRef {
  readonly kind: 'NetworkPolicy' | 'ClusterNetworkPolicy';
  readonly namespace: string;
  readonly name: string;
}

/** A direction that is absent is open; present and empty is isolated with nothing allowed. */
export interface NetworkPolicy {
  readonly kind: 'policy';
  readonly ref: PolicyRef;
  /** Absent in manifests. */
  readonly uid?: string;
  readonly generation?: number;
  /** metadata.creationTimestamp in milliseconds since the epoch; absent in manifests that have none. */
  readonly created?: number;
  /** Of its spec as JSON; absent where it was not parsed. */
  readonly bytes?: number;
  /** Absent: enforced, unless its namespace or the agent says otherwise. */
  readonly mode?: 'dry-run';
  readonly appliesTo: LabelSelector;
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
}

/** A policy that does not parse: it isolates what it selects, in its directions, and allows nothing (fails closed). */
export interface BrokenPolicy {
  readonly kind: 'broken';
  readonly ref: PolicyRef;
  /** Absent in manifests. */
  readonly uid?: string;
  readonly generation?: number;
  /** metadata.creationTimestamp in milliseconds since the epoch; absent in manifests that have none. */
  readonly created?: number;
  /** Of its spec as JSON; absent where it was not parsed. */
  readonly bytes?: number;
  /** In a dry run it drops nothing. */
  readonly mode?: 'dry-run';
  /** `wholeNamespace` when not even the podSelector could be read. */
  readonly appliesTo: LabelSelector | 'wholeNamespace';
  readonly directions: readonly Direction[];
  readonly diagnostics: readonly Diagnostic[];
}

export type AnyPolicy = NetworkPolicy | BrokenPolicy;

/** Peers and ports must both match; inside each list one match is enough. */
export interface PolicyRule {
  readonly peers: readonly Peer[] | 'anyone';
  readonly ports: readonly Port[] | 'anyPort';
}

export type Peer =
  | { readonly kind: 'pods'; readonly namespaces: LabelSelector | 'own'; readonly pods: LabelSelector }
  | { readonly kind: 'ipBlock'; readonly cidr: Cidr; readonly except: readonly Cidr[] };

export type Port =
  | { readonly kind: 'all'; readonly protocol: Protocol }
  | { readonly kind: 'range'; readonly protocol: Protocol; readonly first: number; readonly last: number }
  | { readonly kind: 'named'; readonly protocol: Protocol; readonly name: string };

/** `namespace/name`, which is unique among policies of one kind. */
export const policyKey = (ref: PolicyRef): string => `${ref.namespace}/${ref.name}`;
