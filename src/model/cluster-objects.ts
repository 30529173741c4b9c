import type { Cidr } from './address.js';
import type { Namespace, Node } from './pod.js';
import type { AnyPolicy } from './policy.js';
import type { Service } from './service.js';
import type { WorkloadPod } from './workload.js';

/** What an input holds that questions about policies need. */
export interface ClusterObjects {
  readonly policies: readonly AnyPolicy[];
  readonly namespaces: readonly Namespace[];
  /** Namespaces that only the objects in them name, so that their other labels are not known. */
  readonly implied: ReadonlySet<string>;
  readonly pods: readonly WorkloadPod[];
  readonly nodes: readonly Node[];
  readonly services: readonly Service[];
  /** Of the nodes. */
  readonly podCidrs: readonly Cidr[];
}
