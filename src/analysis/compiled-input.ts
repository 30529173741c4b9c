/** The objects of an input, compiled: what questions about policies are answered from. */
import type { BlockOptions, BlockReading } from '../evaluation/blocks.js';
import type { Cidr } from '../model/address.js';
import type { Namespace, Node } from '../model/pod.js';
import type { AnyPolicy } from '../model/policy.js';
import type { Service } from '../model/service.js';
import type { Workload, WorkloadPod } from '../model/workload.js';
import type { PolicyProgram } from '../program/types.js';
import { compileWorkloads } from './compiled-workloads.js';
import { workloadsOf } from './workloads.js';

export interface ClusterObjects {
  readonly policies: readonly AnyPolicy[];
  readonly namespaces: readonly Namespace[];
  /** Namespaces that only the objects in them name, so that their other labels are not known. */
  readonly implied: ReadonlySet<string>;
  readonly pods: readonly WorkloadPod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  readonly podCidrs: readonly Cidr[];
}

export interface CompiledInput {
  readonly objects: ClusterObjects;
  readonly workloads: readonly Workload[];
  readonly program: PolicyProgram;
  readonly blocks: BlockOptions;
}

interface CompileInputOptions {
  readonly ipBlocks: BlockReading;
  /** Beside those of the nodes. */
  readonly podCidrs: readonly Cidr[];
  /** Policies in a dry run count as enforced. */
  readonly includeDryRun: boolean;
}

export function compileInput(
  objects: ClusterObjects,
  { ipBlocks, podCidrs, includeDryRun }: CompileInputOptions,
): CompiledInput {
  const workloads = workloadsOf(objects.pods, objects.policies);
  return {
    objects,
    workloads,
    program: compileWorkloads(workloads, objects, includeDryRun ? 'none' : 'annotated'),
    blocks: { ipBlocks, podCidrs: [...objects.podCidrs, ...podCidrs] },
  };
}
