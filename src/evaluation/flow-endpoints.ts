/** Where a connection begins or ends, and how a program knows it. */
import { families, familyOf, type Address, type Family } from '../model/address.js';
import type { Workload, WorkloadMember } from '../model/workload.js';
import type { ExternalRange } from './external-ranges.js';

export type FlowEndpoint = AddressEndpoint | WorkloadEndpoint;

/** An address: of a pod, in a program of pods; of anybody else, in a program of workloads. */
export interface AddressEndpoint {
  readonly kind: 'address';
  readonly address: Address;
  /** How to speak of it, where the address alone would not do. */
  readonly title?: string;
  /** It stands for all of these. */
  readonly range?: ExternalRange;
  /** The nodes whose address it is, beside those that the program knows. */
  readonly nodes?: readonly string[];
}

/** Any pod of a workload, in a program of workloads. */
export interface WorkloadEndpoint {
  readonly kind: 'workload';
  readonly workload: Workload;
  /** Just this one of the workload's pods. */
  readonly pod?: WorkloadMember;
}

/** The address of a workload in a program of workloads; no IP address begins so. */
export const workloadAddress = (workload: Workload): Address => `workload:${workload.id}` as Address;

/** The address by which a program knows an endpoint: its groups hold it, or nobody is there. */
export const programAddress = (endpoint: FlowEndpoint): Address =>
  endpoint.kind === 'address' ? endpoint.address : workloadAddress(endpoint.workload);

export function nameOf(endpoint: FlowEndpoint): string {
  if (endpoint.kind === 'address') return endpoint.title ?? endpoint.address;
  const { id, kind, name } = endpoint.workload;
  const { pod } = endpoint;
  return pod === undefined || (kind === 'Pod' && pod.name === name) ? id : `${id} (pod ${pod.name})`;
}

/** IP addresses; none for a template. */
export const addressesOf = (endpoint: FlowEndpoint): readonly Address[] =>
  endpoint.kind === 'address' ? [endpoint.address] : (endpoint.pod ?? endpoint.workload).addresses;

/** A pod without addresses may have any. */
export const hasFamily = (endpoint: FlowEndpoint, family: Family): boolean => {
  const addresses = addressesOf(endpoint);
  return addresses.length === 0 || addresses.some((address) => familyOf(address) === family);
};

/** The families that both have. A pod template may get any family, so it has both here. */
export const commonFamilies = (source: FlowEndpoint, destination: FlowEndpoint): readonly Family[] =>
  families.filter((family) => hasFamily(source, family) && hasFamily(destination, family));
