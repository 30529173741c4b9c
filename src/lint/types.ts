/** What a rule sees, and what it says. */
import type { WorkloadPod } from '../model/workload.js';
import type { ClusterObjects } from '../model/cluster-objects.js';
import type { Labels } from '../model/labels.js';
import type { BrokenPolicy } from '../model/policy.js';
import type { Service } from '../model/service.js';
import type { PodSelection } from '../selectors/selector-index.js';
import type { Confidence, Severity, SourcePosition } from './finding.js';
import type { CheckedObject, LintObject, Path, PolicyObject, ValidPolicy } from './objects.js';
import type { PolicyParts } from './policy-parts.js';

/**
 * What must be known before a rule may speak: the object alone, all policies of its namespace, the workloads of its
 * namespace, or the whole cluster.
 */
type Scope = 'document' | 'policies' | 'namespace' | 'cluster';

/** What was read. */
export interface ParsedInput extends Pick<
  ClusterObjects,
  'namespaces' | 'implied' | 'services' | 'nodes' | 'podCidrs'
> {
  readonly objects: readonly LintObject[];
  readonly policies: readonly PolicyObject[];
  /** ClusterNetworkPolicies of policy.networking.k8s.io. */
  readonly clusterPolicies: readonly CheckedObject[];
  /** Namespaces as objects, with what is wrong with them. */
  readonly namespaceObjects: readonly CheckedObject[];
  readonly workloads: readonly WorkloadPod[];
  /** The input is everything there is. */
  readonly closed: boolean;
  /** A key that appears twice in one mapping; YAML's last one counts. */
  readonly duplicateKeys: readonly SourcePosition[];
}

/** What was read, and the lookups that are too slow to repeat for every policy. */
export interface LintInput extends ParsedInput {
  /** All that stands in the valid policies, one by one. */
  readonly parts: PolicyParts;
  /** All policies of a namespace that select these labels, and others. */
  policyCandidates(namespace: string, labels: Labels): readonly ValidPolicy[];
  /** The valid policies that select this workload. */
  policiesFor(workload: WorkloadPod): readonly ValidPolicy[];
  brokenIn(namespace: string): readonly BrokenPolicy[];
  workloadsIn(namespace: string): readonly WorkloadPod[];
  /** Every workload that a selection names, whether policies see it or not. */
  select(selection: PodSelection): readonly WorkloadPod[];
  /** The Services that stand for this workload. */
  servicesOf(workload: WorkloadPod): readonly Service[];
  /** What changes how many pods a workload has. */
  scalersOf(namespace: string): readonly LintObject[];
  /** The first object of this kind and name. */
  objectOf(kind: string, namespace: string, name: string): LintObject | undefined;
}

/** Text that replaces a field's value. */
interface Fix {
  readonly description: string;
  readonly path: Path;
  readonly replacement: string;
}

interface Related {
  readonly object: LintObject;
  readonly path: Path;
  readonly message: string;
}

/** What a rule says of one place. */
export interface RuleMatch {
  readonly object: LintObject;
  readonly path: Path;
  /** Default: `value`. */
  readonly part?: 'key' | 'value';
  readonly message: string;
  /** Where they are not the rule's own. */
  readonly severity?: Severity;
  readonly confidence?: Confidence;
  readonly fix?: Fix;
  readonly related?: readonly Related[];
}

export interface Rule {
  /** `NP101`; never given to another rule. */
  readonly id: string;
  readonly name: string;
  readonly severity: Severity;
  readonly scope: Scope;
  readonly confidence: Confidence;
  /** One line: what it finds. */
  readonly summary: string;
  readonly why: string;
  /** A spec that it finds, and one that it does not, as YAML. */
  readonly bad: string;
  readonly good: string;
  check(input: LintInput): Iterable<RuleMatch>;
}
