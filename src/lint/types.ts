/** What a rule sees, and what it says. */
import type { ManifestDocument, Path } from '../manifests/documents.js';
import type { Cidr } from '../model/address.js';
import type { Diagnostic, Severity } from '../model/diagnostic.js';
import type { Labels } from '../model/labels.js';
import type { Namespace, Node, Pod } from '../model/pod.js';
import type { AnyPolicy, BrokenPolicy, NetworkPolicy } from '../model/policy.js';
import type { Service } from '../model/service.js';
import type { PodSelection } from '../selectors/selector-index.js';
import type { Walks } from './walks.js';

export type { Severity } from '../model/diagnostic.js';
export type { Path } from '../manifests/documents.js';

/** `proved` from the object alone; `closed-world` if the input is everything there is; `heuristic` otherwise. */
export type Confidence = 'proved' | 'closed-world' | 'heuristic';

/**
 * What must be known before a rule may speak: the object alone, all policies of its namespace, the workloads of its
 * namespace, or the whole cluster.
 */
export type Scope = 'document' | 'policies' | 'namespace' | 'cluster';

/** An object as it was read. */
export interface LintObject {
  readonly document: ManifestDocument;
  readonly kind: string;
  readonly apiVersion: string;
  readonly fields: Fields;
  /** `default` when it names none. */
  readonly namespace: string;
  readonly name: string;
}

export type Fields = Readonly<Record<string, unknown>>;

/** A policy, with what is wrong with it by the API's own rules. */
export interface CheckedObject extends LintObject {
  readonly diagnostics: readonly Diagnostic[];
}

/** A NetworkPolicy of networking.k8s.io/v1. */
export interface PolicyObject extends CheckedObject {
  /** Undefined when it has no name to be known by. */
  readonly policy: AnyPolicy | undefined;
}

/** A policy that parsed, with its object. */
export interface ValidPolicy {
  readonly object: PolicyObject;
  readonly policy: NetworkPolicy;
}

/** The pods of a workload, as its template or the pods themselves say. */
export interface WorkloadEntry {
  readonly owner: { readonly namespace: string; readonly kind: string; readonly name: string };
  readonly pod: Pod;
  /** What a template would make. */
  readonly isTemplate?: boolean;
}

/** What was read. */
export interface Known {
  readonly objects: readonly LintObject[];
  readonly policies: readonly PolicyObject[];
  /** ClusterNetworkPolicies of policy.networking.k8s.io. */
  readonly clusterPolicies: readonly CheckedObject[];
  readonly workloads: readonly WorkloadEntry[];
  readonly namespaces: readonly Namespace[];
  /** Namespaces of which nothing but the name is known. */
  readonly implied: ReadonlySet<string>;
  readonly services: readonly Service[];
  readonly nodes: readonly Node[];
  readonly podCidrs: readonly Cidr[];
  /** The input is everything there is. */
  readonly closed: boolean;
  /** A key that stands twice in one mapping; YAML's last one counts. */
  readonly duplicateKeys: readonly DuplicateKey[];
}

/** What was read, and the ways through it that are too long to walk for every policy. */
export interface World extends Known {
  /** All that stands in the valid policies, one by one. */
  readonly walks: Walks;
  /** All policies of a namespace that select these labels, and others. */
  policyCandidates(namespace: string, labels: Labels): readonly ValidPolicy[];
  /** The valid policies that select this workload. */
  policiesFor(workload: WorkloadEntry): readonly ValidPolicy[];
  brokenIn(namespace: string): readonly BrokenPolicy[];
  workloadsIn(namespace: string): readonly WorkloadEntry[];
  /** Every workload that a selection names, whether policies see it or not. */
  select(selection: PodSelection): readonly WorkloadEntry[];
  /** The Services that stand for this workload. */
  servicesOf(workload: WorkloadEntry): readonly Service[];
  /** What changes how many pods a workload has. */
  scalersOf(namespace: string): readonly LintObject[];
  /** The first object of this kind and name. */
  objectOf(kind: string, namespace: string, name: string): LintObject | undefined;
}

export interface DuplicateKey {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Text that replaces a field's value. */
export interface Fix {
  readonly description: string;
  readonly path: Path;
  readonly replacement: string;
}

export interface Related {
  readonly object: LintObject;
  readonly path: Path;
  readonly message: string;
}

/** What a rule says of one place. */
export interface Hit {
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
  check(world: World): Iterable<Hit>;
}

export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Finding extends Place {
  readonly rule: string;
  readonly name: string;
  readonly severity: Severity;
  readonly confidence: Confidence;
  readonly endLine: number;
  readonly endColumn: number;
  /** RFC 6901, from the object's root. */
  readonly pointer: string;
  readonly object: { readonly kind: string; readonly namespace?: string; readonly name: string };
  readonly message: string;
  readonly why: string;
  readonly fix?: { readonly description: string; readonly replacement: string };
  readonly related: readonly (Place & { readonly message: string })[];
}

/** What `-o json` prints, schema version 1. */
export interface Findings {
  readonly kind: 'Findings';
  readonly schemaVersion: 1;
  readonly findings: readonly Finding[];
  /** What was left out, one line each: templates, and what is no object of Kubernetes. */
  readonly skipped: readonly string[];
  readonly unparsed: readonly string[];
}
