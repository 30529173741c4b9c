import { selects } from '../../compiler/endpoints.js';
import type { ClusterEvent } from '../../cluster/types.js';
import type { ClusterSnapshot } from '../../model/cluster.js';
import { groupBy } from '../../generic/group-by.js';
import type { ReconcilerStatus } from '../../reconciler/types.js';

/** Conditions that keep policies from being enforced as written, as Events for the cluster's users. */
export function eventConditions({
  failing,
  unattached,
}: Pick<ReconcilerStatus, 'failing' | 'unattached'>): ClusterEvent[] {
  return [
    ...failing.map(({ namespace, name, uid, reasons }): ClusterEvent => ({
      object: { kind: 'NetworkPolicy', namespace, name, ...(uid === undefined ? {} : { uid }) },
      type: 'Warning',
      reason: 'FailsClosed',
      message: `Not valid, so the pods that it selects are isolated and it allows nothing: ${reasons.join('; ')}`,
    })),
    ...unattached.map(({ pod, podUid, reason }): ClusterEvent => ({
      object: { kind: 'Pod', ...pod, uid: podUid },
      type: 'Warning',
      reason: 'NotEnforced',
      message: `No policy is enforced on this pod: ${reason}`,
    })),
  ];
}

/** Policies that select no pod of their namespace, not even a finished one. */
export function idlePolicies({ policies, pods }: ClusterSnapshot): ClusterEvent[] {
  const byNamespace = groupBy(pods, ({ ref }) => ref.namespace);
  return policies
    .filter((policy) => !(byNamespace.get(policy.ref.namespace) ?? []).some((pod) => selects(policy, pod)))
    .map(({ ref: { namespace, name }, uid }): ClusterEvent => ({
      object: { kind: 'NetworkPolicy', namespace, name, ...(uid === undefined ? {} : { uid }) },
      type: 'Normal',
      reason: 'SelectsNoPod',
      message: 'Has no effect now: no pod of its namespace matches its podSelector',
    }));
}
