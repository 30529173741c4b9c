import { selects } from '../../compiler/endpoints.js';
import type { ClusterEvent, SourceProblem } from '../../cluster/types.js';
import { formatPath } from '../../model/diagnostic.js';
import type { ClusterSnapshot } from '../../model/cluster.js';
import { groupBy } from '../../generic/group-by.js';
import { limitText } from '../../limits/limits.js';
import type { OverLimit } from '../../limits/over-limit.js';
import type { ReconcilerStatus } from '../../reconciler/types.js';

/** Conditions that keep policies from being enforced as written, as Events for the cluster's users. */
export function eventConditions({
  failing,
  overLimits,
  unattached,
  unfiltered,
  problems,
}: Pick<ReconcilerStatus, 'failing' | 'overLimits' | 'unattached' | 'unfiltered' | 'problems'>): ClusterEvent[] {
  return [
    ...failing.map(({ namespace, name, uid, reasons }): ClusterEvent => ({
      object: { kind: 'NetworkPolicy', namespace, name, ...(uid === undefined ? {} : { uid }) },
      type: 'Warning',
      reason: 'FailsClosed',
      message: `The pods that it selects are isolated and it allows nothing: ${reasons.join('; ')}`,
    })),
    ...overLimits.flatMap(limitEvent),
    ...problems.flatMap(modeEvent),
    ...unattached.map(({ pod, podUid, reason }): ClusterEvent => ({
      object: { kind: 'Pod', ...pod, uid: podUid },
      type: 'Warning',
      reason: 'NotEnforced',
      message: `No policy is enforced on this pod: ${reason}`,
    })),
    ...unfiltered.map(({ pod, podUid, reason }): ClusterEvent => ({
      object: { kind: 'Pod', ...pod, uid: podUid },
      type: 'Warning',
      reason: 'BridgeNotFiltered',
      message: reason,
    })),
  ];
}

/** A policy that fails closed for a limit has its Event for that. Of a pod or namespace, the number changes too often to be named. */
function limitEvent({ of, namespace, name, uid, limit, most, message, refused }: OverLimit): ClusterEvent[] {
  if (limit === 'policyMemory' || (of === 'policy' && refused)) return [];
  const closed = of === 'pod' ? 'the youngest of them allow nothing' : 'the youngest policies fail closed';
  const what = of === 'policy' ? message : limitText({ limit, most });
  return [
    {
      object: { kind: limitedKinds[of], namespace, name, ...(uid === undefined ? {} : { uid }) },
      type: 'Warning',
      reason: 'OverLimit',
      message: `${what}; ${refused ? closed : 'enforced all the same (--limits=warn)'}`,
    },
  ];
}

const limitedKinds = { policy: 'NetworkPolicy', namespace: 'Namespace', pod: 'Pod' } as const;

const modeReasons: Readonly<Record<string, ClusterEvent['reason']>> = {
  'unknown-mode': 'UnknownMode',
  'renamed-mode': 'RenamedMode',
};

/** A mode that is not known, or has another name now: what its policies do may not be what was meant. */
function modeEvent({ object, diagnostic: { code, path, message } }: SourceProblem): ClusterEvent[] {
  const reason = Object.hasOwn(modeReasons, code) ? modeReasons[code] : undefined;
  if (reason === undefined || object === undefined) return [];
  const { kind, name, namespace = name, uid } = object;
  if (kind !== 'NetworkPolicy' && kind !== 'Namespace') return [];
  return [
    {
      object: { kind, namespace, name, ...(uid === undefined ? {} : { uid }) },
      type: 'Warning',
      reason,
      message: `${formatPath(path)}: ${message}`,
    },
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
