/** The program of a cluster in which every workload is one pod. */
import { compile } from '../compiler/compiler.js';
import type { DryRunScope } from '../model/policy-mode.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { Pod } from '../model/pod.js';
import type { PolicyProgram } from '../program/types.js';
import { workloadAddress } from '../evaluation/flow-endpoints.js';
import type { Workload } from '../model/workload.js';

/** The program of the cluster in which every workload is one pod; `none`: policies in a dry run count as enforced. */
export const compileWorkloads = (
  workloads: readonly Workload[],
  { policies, namespaces }: Pick<ClusterSnapshot, 'policies' | 'namespaces'>,
  dryRun: DryRunScope = 'annotated',
): PolicyProgram =>
  compile({ policies, namespaces, nodes: [], pods: workloads.map(workloadAsPod) }, { scope: 'everywhere', dryRun });

/** A pod whose only address is the workload's id. */
export const workloadAsPod = (workload: Workload): Pod => ({
  ref: { namespace: workload.namespace, name: workload.id },
  uid: workload.id,
  labels: workload.labels,
  addresses: [workloadAddress(workload)],
  ports: workload.ports,
  node: '',
  hostNetwork: false,
  phase: 'Running',
  deleting: false,
  created: 0,
});
