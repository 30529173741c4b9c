/**
 * Every kind of object that Podwall reads, in one table: all readers of objects ask it, so to read a new kind is one entry.
 * What the chart's RBAC lists follows from it by hand; what a new kind of policy means is compiler/ and program/.
 */
import type { ClusterChange } from './cluster.js';
import type { Parsed } from './diagnostic.js';
import { parseNamespace, parseNetworkPolicy, parseNode, parsePod, parseService, type ParseOptions } from './parse.js';
import { nodeFields, podFields, type FieldTree } from './parse/field-tree.js';
import type { Service } from './service.js';

/** What an object says, as the change that brings it in; Services only matter to questions. */
export type ParsedObject = ClusterChange | { readonly kind: 'service'; readonly service: Service };

interface CommonKind {
  readonly kind: string;
  /** Those that are read, newest first: an API server is asked for the first that it serves. */
  readonly apiVersions: readonly [string, ...string[]];
  /** Those that no API server serves any more, and that are not read. */
  readonly removedApiVersions?: readonly string[];
  /** Plural, as in paths and in RBAC. */
  readonly resource: string;
  readonly clusterScoped?: true;
  /** A workload: the path of its pod template; empty for a pod. */
  readonly template?: readonly string[];
  /** What a question about a live cluster lists; without an optional kind less is known, and no answer is wrong. */
  readonly listedForAnalysis?: 'always' | 'optional';
}

/** The agent follows it: from a directory, and by list and watch. */
export interface FollowedKind extends CommonKind {
  readonly changeKind: ClusterChange['kind'];
  readonly parse: (object: unknown, options: ParseOptions) => Parsed<ClusterChange>;
  /** Objects that are many or large: only these fields of them are parsed. */
  readonly fields?: Exclude<FieldTree, true>;
}

/** Only questions read it; without `parse`, only as a workload, or as a rule of lint does. */
export interface AnalysisKind extends CommonKind {
  readonly changeKind?: 'service';
  readonly parse?: (object: unknown, options: ParseOptions) => Parsed<ParsedObject>;
}

export type ObjectKind = FollowedKind | AnalysisKind;

const parsedAs =
  <T, Value extends ParsedObject>(
    parse: (object: unknown, options: ParseOptions) => Parsed<T>,
    change: (value: T) => Value,
  ) =>
  (object: unknown, options: ParseOptions): Parsed<Value> => {
    const parsed = parse(object, options);
    return parsed.ok ? { ...parsed, value: change(parsed.value) } : parsed;
  };

export const followedKinds: readonly FollowedKind[] = [
  {
    kind: 'Node',
    apiVersions: ['v1'],
    resource: 'nodes',
    clusterScoped: true,
    changeKind: 'node',
    parse: parsedAs(parseNode, (node) => ({ kind: 'node', name: node.name, node })),
    fields: nodeFields,
    listedForAnalysis: 'optional',
  },
  {
    kind: 'Namespace',
    apiVersions: ['v1'],
    resource: 'namespaces',
    clusterScoped: true,
    changeKind: 'namespace',
    parse: parsedAs(parseNamespace, (namespace) => ({ kind: 'namespace', name: namespace.name, namespace })),
    listedForAnalysis: 'always',
  },
  {
    kind: 'Pod',
    apiVersions: ['v1'],
    resource: 'pods',
    changeKind: 'pod',
    parse: parsedAs(
      (object) => parsePod(object),
      (pod) => ({ kind: 'pod', ref: pod.ref, pod }),
    ),
    fields: podFields,
    template: [],
    listedForAnalysis: 'always',
  },
  {
    kind: 'NetworkPolicy',
    apiVersions: ['networking.k8s.io/v1'],
    removedApiVersions: ['networking.k8s.io/v1beta1', 'extensions/v1beta1'],
    resource: 'networkpolicies',
    changeKind: 'policy',
    parse: parsedAs(parseNetworkPolicy, (policy) => ({ kind: 'policy', ref: policy.ref, policy })),
    listedForAnalysis: 'always',
  },
];

const template = ['spec', 'template'];
const appsVersions = ['apps/v1', 'apps/v1beta2', 'apps/v1beta1', 'extensions/v1beta1'] as const;

const analysisOnly: readonly AnalysisKind[] = [
  {
    kind: 'Service',
    apiVersions: ['v1'],
    resource: 'services',
    changeKind: 'service',
    parse: parsedAs(
      (object) => parseService(object),
      (service) => ({ kind: 'service', service }),
    ),
    listedForAnalysis: 'optional',
  },
  { kind: 'Deployment', apiVersions: appsVersions, resource: 'deployments', template },
  { kind: 'StatefulSet', apiVersions: appsVersions, resource: 'statefulsets', template },
  { kind: 'DaemonSet', apiVersions: appsVersions, resource: 'daemonsets', template },
  { kind: 'ReplicaSet', apiVersions: appsVersions, resource: 'replicasets', template, listedForAnalysis: 'optional' },
  { kind: 'ReplicationController', apiVersions: ['v1'], resource: 'replicationcontrollers', template },
  { kind: 'Job', apiVersions: ['batch/v1'], resource: 'jobs', template, listedForAnalysis: 'optional' },
  {
    kind: 'CronJob',
    apiVersions: ['batch/v1', 'batch/v1beta1', 'batch/v2alpha1'],
    resource: 'cronjobs',
    template: ['spec', 'jobTemplate', ...template],
  },
  {
    // Of Kubernetes 1.33, and of 1.31 before; a rule of lint reads them.
    kind: 'ServiceCIDR',
    apiVersions: ['networking.k8s.io/v1', 'networking.k8s.io/v1beta1'],
    resource: 'servicecidrs',
    clusterScoped: true,
    listedForAnalysis: 'optional',
  },
];

export const kinds: readonly ObjectKind[] = [...followedKinds, ...analysisOnly];
