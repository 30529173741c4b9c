/** The objects of an input, compiled: what questions about policies are answered from. */
import type { BlockOptions, BlockReading } from '../evaluation/blocks.js';
import type { Cidr } from '../model/address.js';
import type { ClusterObjects } from '../model/cluster-objects.js';
import type { Workload } from '../model/workload.js';
import type { PolicyProgram } from '../program/types.js';
import { compileWorkloads } from './compiled-workloads.js';
import { workloadsOf } from './workloads.js';

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
