import { rolloutOf, type NodeRollout } from '../../analysis/rollout.js';
import { ApiServerSource } from '../../cluster/api-server/api-server-source.js';
import type { ConnectionChoice } from '../../cluster/api-server/kube-config.js';
import { NodePolicyStatuses } from '../../cluster/api-server/node-policy-statuses.js';
import { InputError } from '../../generic/input-error.js';
import type { SyncedCluster } from '../../cluster/types.js';
import type { NodePolicyStatus } from '../../model/node-policy-status.js';
import { objectKey, type ObjectRef } from '../../model/pod.js';
import { statusReportedEvery } from '../../node/reports/node-policy-status-report.js';
import { formatTable } from '../../report/table.js';
import { exitCode } from '../common/exit-codes.js';
import { warnOf } from '../common/options.js';

interface ClusterStatusOptions {
  readonly choice: ConnectionChoice;
  readonly output: 'text' | 'json';
  readonly only?: ObjectRef;
  /** Milliseconds to wait until it is in force; 0 asks once. */
  readonly wait: number;
}

/** Milliseconds that the first answer may take. */
const answerWithin = 30_000;
const askAgainAfter = 500;
const silentAfter = 3 * statusReportedEvery;

/** Prints whether every node enforces the cluster's current policies, and sets the exit code. */
export async function clusterStatus(options: ClusterStatusOptions): Promise<void> {
  using reader = await NodePolicyStatuses.open(options.choice);
  const answer = AbortSignal.timeout(answerWithin);
  // The statuses come first: they show within seconds whether the server answers.
  let statuses = await reader.list(answer);
  using cluster = await syncedWithin(options.choice, answer);
  const until = performance.now() + options.wait;
  let rollout = rolloutNow(cluster, statuses, options);
  while (!isInForce(rollout) && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, askAgainAfter));
    statuses = await reader.list(AbortSignal.timeout(answerWithin));
    rollout = rolloutNow(cluster, statuses, options);
  }
  if (rollout === undefined)
    throw new InputError(`there is no NetworkPolicy ${options.only === undefined ? '' : objectKey(options.only)}`);
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(asJson(rollout), null, 2)}\n` : asText(rollout));
  process.exitCode = isInForce(rollout) ? exitCode.done : exitCode.no;
}

async function syncedWithin(choice: ConnectionChoice, signal: AbortSignal): Promise<SyncedCluster> {
  let last = '';
  const cluster = await new ApiServerSource({ ...choice, onError: (message) => (last = message) })
    .sync(signal)
    .catch((error: unknown) => {
      if (signal.aborted) throw new InputError(last === '' ? 'the API server did not answer in time' : last);
      throw error;
    });
  for (const problem of cluster.problems()) process.stderr.write(`podwall: ${warnOf(problem)}\n`);
  return cluster;
}

/** Undefined when the policy that is asked for does not exist. */
function rolloutNow(
  cluster: SyncedCluster,
  statuses: ReadonlyMap<string, NodePolicyStatus>,
  { only }: ClusterStatusOptions,
): readonly NodeRollout[] | undefined {
  const snapshot = cluster.snapshot();
  if (only !== undefined && !snapshot.policies.some(({ ref }) => objectKey(ref) === objectKey(only))) return undefined;
  return rolloutOf(snapshot, { statuses, now: Date.now(), silentAfter, ...(only === undefined ? {} : { only }) });
}

const isInForce = (rollout: readonly NodeRollout[] | undefined): boolean =>
  rollout?.every(({ inForce }) => inForce) === true;

const asJson = (rollout: readonly NodeRollout[]): object => ({
  kind: 'ClusterStatus',
  schemaVersion: 1,
  inForce: isInForce(rollout),
  nodes: rollout.map(({ node, inForce, status, age, pods, policies, failing, missing }) => ({
    node,
    inForce,
    ...(status === undefined ? {} : { ready: status.ready, revision: status.revision, observedAt: status.observedAt }),
    ...(age === undefined ? {} : { ageSeconds: Math.max(0, Math.round(age / 1000)) }),
    pods,
    policies,
    failing: failing.map(({ namespace, name }) => ({ namespace, name })),
    missing,
  })),
});

function asText(rollout: readonly NodeRollout[]): string {
  const rows = rollout.map(({ node, inForce, status, age, pods, policies, failing }) => [
    node,
    inForce ? 'yes' : 'NO',
    status === undefined ? '-' : String(status.revision),
    age === undefined ? 'never' : `${Math.max(0, Math.round(age / 1000))} s ago`,
    String(pods),
    String(policies),
    String(failing.length),
  ]);
  const table = formatTable([['NODE', 'IN FORCE', 'REVISION', 'REPORTED', 'PODS', 'POLICIES', 'FAIL CLOSED'], ...rows]);
  const reasons = rollout.flatMap(({ node, missing }) => missing.map((reason) => `${node}: ${reason}\n`));
  const behind = rollout.filter(({ inForce }) => !inForce).length;
  const sentence =
    rollout.length === 0
      ? 'It selects no pod of any node: there is nothing to enforce.'
      : behind === 0
        ? `In force on ${rollout.length === 1 ? 'the one node' : `all ${rollout.length} nodes`}.`
        : `NOT in force on ${behind} of ${rollout.length} nodes.`;
  return `${table}\n${reasons.join('')}${sentence}\n`;
}
