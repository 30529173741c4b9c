import type { Address, Cidr } from './address.js';
import type { Labels } from './labels.js';
import type { Protocol } from './policy.js';

export interface ObjectRef {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace/name`. Joined: V8 keeps the parts of a template beside the whole, and there is a key for every pod. */
export const objectKey = (ref: ObjectRef): string => [ref.namespace, ref.name].join('/');

export interface ContainerPort {
  /** Empty where it has none. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';

/** What subjects, peers and status need of a Pod, and no more. */
export interface Pod {
  readonly ref: ObjectRef;
  readonly uid: string;
  readonly labels: Labels;
  /** All of status.podIPs, canonical, both families. */
  readonly addresses: readonly Address[];
  /** status.hostIPs, canonical: of the node that it runs on; absent until it runs on one. */
  readonly hostAddresses?: readonly Address[];
  /** Of containers and of init containers with restartPolicy Always; those without a name only where somebody asked. */
  readonly ports: readonly ContainerPort[];
  /** spec.nodeName; empty while unscheduled. */
  readonly node: string;
  readonly hostNetwork: boolean;
  readonly phase: PodPhase;
  readonly deleting: boolean;
  /** What people deployed, by its ownerReferences; absent for a pod of nobody. */
  readonly workload?: { readonly kind: string; readonly name: string };
  /** metadata.creationTimestamp in milliseconds since the epoch; 0 when absent. */
  readonly created: number;
}

export interface Namespace {
  readonly name: string;
  /** Absent for a pod that only a manifest describes. */
  readonly uid?: string;
  /** Always with `kubernetes.io/metadata.name`. */
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface Node {
  readonly name: string;
  /** A node that is registered anew has another one; absent in manifests. */
  readonly uid?: string;
  readonly labels: Labels;
  /** status.addresses of type InternalIP and ExternalIP. */
  readonly addresses: readonly Address[];
  readonly podCidrs: readonly Cidr[];
}

/** Where node-local DNS listens on every node, unless it is configured otherwise (its documentation, `__PILLAR__LOCAL__DNS__`). */
export const nodeLocalDnsAddress = '169.254.20.10' as Address;

/** A cache on the node itself, by the label that its installers give it. */
export const isNodeLocalDns = ({ hostNetwork, labels }: Pick<Pod, 'hostNetwork' | 'labels'>): boolean =>
  hostNetwork && labels['k8s-app'] === 'node-local-dns';

/** Whether policies see the pod at all: hostNetwork pods and finished pods are neither subject nor peer (SEMANTICS A8). */
export const isEnforceable = (pod: Pod): boolean =>
  !pod.hostNetwork && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';
