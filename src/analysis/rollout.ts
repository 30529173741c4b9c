/** Is it in force everywhere? What the nodes say they enforce, beside what the cluster wants of them. */
import { selects } from '../compiler/endpoints.js';
import { dryRunPolicies } from '../model/policy-mode.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import { groupBy } from '../generic/group-by.js';
import type { NodePolicyStatus } from '../model/node-policy-status.js';
import { isEnforceable, objectKey, type ObjectRef, type Pod } from '../model/pod.js';
import type { AnyPolicy } from '../model/policy.js';

/** A node and the policies that select pods of it. */
export interface NodeRollout {
  readonly node: string;
  readonly inForce: boolean;
  /** What its agent said last; absent for a node that has never said anything. */
  readonly status?: NodePolicyStatus;
  /** Milliseconds since then. */
  readonly age?: number;
  /** Pods of the node that policies are enforced on, when its agent does its work. */
  readonly pods: number;
  /** Policies that select pods of the node. */
  readonly policies: number;
  readonly failing: readonly ObjectRef[];
  /** One sentence for each reason why it is not in force. */
  readonly missing: readonly string[];
}

interface RolloutOptions {
  /** By node name. */
  readonly statuses: ReadonlyMap<string, NodePolicyStatus>;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** An agent that says nothing for so many milliseconds is taken for gone. */
  readonly silentAfter: number;
  /** Only this policy, and the nodes whose pods it selects; undefined: every policy, and every node. */
  readonly only?: ObjectRef;
}

/** In the order of the nodes' names. */
export function rolloutOf(snapshot: ClusterSnapshot, options: RolloutOptions): readonly NodeRollout[] {
  const { only } = options;
  const expected = expectedByNode(snapshot, only);
  return snapshot.nodes
    .map(({ name }) => name)
    .filter((name) => only === undefined || expected.has(name))
    .sort()
    .map((name) =>
      nodeRollout(name, expected.get(name) ?? { pods: 0, policies: new Map(), dryRun: new Set() }, options),
    );
}

interface ExpectedOnNode {
  pods: number;
  readonly policies: Map<AnyPolicy, number>;
  readonly dryRun: ReadonlySet<AnyPolicy>;
}

/** A policy in a dry run is to be enforced nowhere; asked for by its name, it is in force nowhere. */
function expectedByNode(
  { pods, policies, namespaces }: ClusterSnapshot,
  only: ObjectRef | undefined,
): ReadonlyMap<string, ExpectedOnNode> {
  const dryRun = new Set(dryRunPolicies({ policies, namespaces }));
  const asked = policies.filter((policy) =>
    only === undefined ? !dryRun.has(policy) : objectKey(policy.ref) === objectKey(only),
  );
  const byNamespace = groupBy(asked, ({ ref }) => ref.namespace);
  const expected = new Map<string, ExpectedOnNode>();
  for (const pod of pods.filter(isOnNode)) {
    const selecting = (byNamespace.get(pod.ref.namespace) ?? []).filter((policy) => selects(policy, pod));
    if (only !== undefined && selecting.length === 0) continue;
    const node = expected.get(pod.node) ?? { pods: 0, policies: new Map<AnyPolicy, number>(), dryRun };
    node.pods += 1;
    for (const policy of selecting) node.policies.set(policy, (node.policies.get(policy) ?? 0) + 1);
    expected.set(pod.node, node);
  }
  return expected;
}

/** A pod without an address has nothing to enforce yet. */
const isOnNode = (pod: Pod): boolean => isEnforceable(pod) && pod.node !== '' && pod.addresses.length > 0;

function nodeRollout(node: string, { pods, policies, dryRun }: ExpectedOnNode, options: RolloutOptions): NodeRollout {
  const status = options.statuses.get(node);
  const common = { node, pods, policies: policies.size };
  if (status === undefined) {
    // Where no policy selects anything there is nothing to enforce, and nothing to miss.
    const missing = policies.size === 0 ? [] : ['its agent has never reported'];
    return { ...common, inForce: missing.length === 0, failing: [], missing };
  }
  const age = options.now - Date.parse(status.observedAt);
  const enforced = new Map(status.policies.map((one) => [objectKey(one), one]));
  const missing = [
    ...(status.ready ? [] : ['its agent is not ready']),
    ...(age > options.silentAfter ? [`its agent has been silent for ${Math.round(age / 1000)} s`] : []),
    ...[...policies].flatMap(([policy, count]) => {
      const reason = dryRun.has(policy)
        ? 'in a dry run: nothing enforces it'
        : missingOf(policy, count, enforced.get(objectKey(policy.ref)));
      return reason === undefined ? [] : [`${objectKey(policy.ref)}: ${reason}`];
    }),
  ];
  const failing = [...policies.keys()].map(({ ref }) => ref).filter((ref) => enforced.get(objectKey(ref))?.failing);
  return { ...common, inForce: missing.length === 0, status, age, failing, missing };
}

function missingOf(
  { uid, generation }: AnyPolicy,
  pods: number,
  enforced: NodePolicyStatus['policies'][number] | undefined,
): string | undefined {
  if (enforced === undefined) return 'not enforced yet';
  if (enforced.uid !== uid) return 'enforced as it was before it was deleted and made again';
  if (enforced.generation !== undefined && generation !== undefined && enforced.generation < generation)
    return `generation ${enforced.generation} is enforced, ${generation} is desired`;
  return enforced.pods < pods ? `enforced on ${enforced.pods} of ${pods} pods` : undefined;
}
