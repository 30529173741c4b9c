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
}
