import type { Address } from './address.js';
import type { LabelSelector } from './labels.js';
import type { ObjectRef } from './pod.js';
import type { Protocol } from './policy.js';

export interface ServicePort {
  /** Empty where a service has only one port. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** A number, or the name of a container's port. */
  readonly target: number | string;
}

export interface Service {
  readonly ref: ObjectRef;
  /** Absent: its endpoints are somebody else's business. */
  readonly selector?: LabelSelector;
  readonly ports: readonly ServicePort[];
  /** clusterIP None: it is called at its pods' addresses, and translates nothing. */
  readonly headless: boolean;
  /**
   * At which kube-proxy takes connections to it: its cluster IPs, external IPs and those of its load balancer. Packets are
   * rewritten to an endpoint's address before policies see them.
   */
  readonly addresses: readonly Address[];
}
