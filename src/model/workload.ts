import type { Address } from './address.js';
import type { Labels } from './labels.js';
import type { ContainerPort, Pod } from './pod.js';

/** Pods of one owner with the same labels and named ports. */
export interface Workload {
  /** `namespace/Kind/name`, with `#` and a hash where one owner's pods differ. */
  readonly id: string;
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
  /** Of all its pods; none for a template. */
  readonly addresses: readonly Address[];
  /** Pods that are really there; none for a template. */
  readonly pods: readonly WorkloadMember[];
}

export interface WorkloadMember {
  readonly name: string;
  /** Empty while unscheduled. */
  readonly node: string;
  readonly addresses: readonly Address[];
}

/** The topmost object that makes a pod; a bare pod is its own. */
export interface Owner {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
}

/** `namespace/Kind/name`. */
export const ownerKey = ({ namespace, kind, name }: Owner): string => `${namespace}/${kind}/${name}`;

/** A pod of the input and who made it. */
export interface WorkloadPod {
  readonly owner: Owner;
  readonly pod: Pod;
  /** It is not there itself: what a workload's template would make. */
  readonly isTemplate?: boolean;
}
