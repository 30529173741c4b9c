/** Policy sets and pod identities are named by what they contain: records refer to them by these ids. */
import { createHash } from 'node:crypto';
import type { Address } from '../../model/address.js';
import type { Labels } from '../../model/labels.js';
import type { ContainerPort, Namespace, Pod } from '../../model/pod.js';
import { policyKey, type AnyPolicy } from '../../model/policy.js';

/** `sha256:` and 64 hexadecimal digits. */
export type ContentId = string;

/** What policies see of a pod, and no more: two pods with the same identity are the same to every policy. */
export interface PodIdentity {
  readonly namespace: string;
  readonly namespaceLabels: Labels;
  readonly labels: Labels;
  readonly ports: readonly ContainerPort[];
  readonly addresses: readonly Address[];
}

export const podIdentity = (pod: Pod, namespace: Namespace): PodIdentity => ({
  namespace: pod.ref.namespace,
  namespaceLabels: namespace.labels,
  labels: pod.labels,
  ports: pod.ports,
  addresses: pod.addresses,
});

export const identityId = (identity: PodIdentity): ContentId => idOf(canonical(identity));

const policyDigests = new WeakMap<AnyPolicy, string>();

/** The same in whatever order the policies come. A policy that was digested before costs next to nothing. */
export function policySetId(policies: readonly AnyPolicy[]): ContentId {
  const lines = policies.map((policy) => {
    const digest = policyDigests.get(policy) ?? idOf(canonical(policy));
    policyDigests.set(policy, digest);
    return `${policyKey(policy.ref)} ${digest}`;
  });
  return idOf(lines.sort().join('\n'));
}

const idOf = (text: string): ContentId => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** JSON with sorted keys. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
