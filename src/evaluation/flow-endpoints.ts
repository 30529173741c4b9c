import { families, familyOf, type Address, type Family } from '../model/address.js';
import type { ExternalRange } from './external-ranges.js';
import type { Workload, WorkloadMember } from '../model/workload.js';

/** Where a connection begins or ends. */
export type FlowEndpoint =
  /** With `pod`: just this one of the workload's pods. */
  | { readonly kind: 'workload'; readonly workload: Workload; readonly pod?: WorkloadMember }
  | {
      readonly kind: 'address';
      readonly address: Address;
      /** How to speak of it, where the address alone would not do. */
      readonly title?: string;
      /** It stands for all of these. */
      readonly range?: ExternalRange;
      /** The nodes whose address it is. */
      readonly nodes?: readonly string[];
    };

export function nameOf(end: FlowEndpoint): string {
  if (end.kind === 'address') return end.title ?? end.address;
  const { id, kind, name } = end.workload;
  return end.pod === undefined || (kind === 'Pod' && end.pod.name === name) ? id : `${id} (pod ${end.pod.name})`;
}

/** None for a template. */
export const addressesOf = (end: FlowEndpoint): readonly Address[] =>
  end.kind === 'address' ? [end.address] : (end.pod ?? end.workload).addresses;

/** A pod without addresses may have any. */
export const hasFamily = (end: FlowEndpoint, family: Family): boolean => {
  const addresses = addressesOf(end);
  return addresses.length === 0 || addresses.some((address) => familyOf(address) === family);
};

/** The families that two ends have in common; two templates have any one, nobody knows which. */
export const commonFamilies = (from: FlowEndpoint, to: FlowEndpoint): readonly Family[] =>
  families.filter((family) => hasFamily(from, family) && hasFamily(to, family));

export const isSamePod = (from: FlowEndpoint, to: FlowEndpoint): boolean =>
  from.kind === 'workload' &&
  to.kind === 'workload' &&
  from.workload === to.workload &&
  from.pod !== undefined &&
  from.pod === to.pod;
