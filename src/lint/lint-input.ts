/** Prepares what was read for the rules: lookups that would be too slow to repeat for every policy. */
import type { WorkloadPod } from '../model/workload.js';
import { selects } from '../compiler/endpoints.js';
import { groupBy } from '../generic/group-by.js';
import type { Labels } from '../model/labels.js';
import { impliedNamespace } from '../model/parse.js';
import { matches } from '../selectors/match.js';
import type { Service } from '../model/service.js';
import { Candidates } from '../selectors/candidates.js';
import { selectionId, type PodSelection } from '../selectors/selector-index.js';
import type { LintObject, ValidPolicy } from './objects.js';
import type { ParsedInput, LintInput } from './types.js';
import { policyPartsOf } from './policy-parts.js';

/** Each lookup is computed once, however many rules and policies use it. */
export function makeLintInput(parsed: ParsedInput): LintInput {
  const workloads = groupBy(parsed.workloads, ({ owner }) => owner.namespace);
  const namespaceLabels = new Map(parsed.namespaces.map(({ name, labels }) => [name, labels]));
  const objects = new Map(
    parsed.objects
      .filter(({ found }) => found?.as === 'read')
      .toReversed()
      .map((one) => [keyOf(one.kind, one.namespace, one.name), one]),
  );
  const broken = groupBy(
    parsed.policies.flatMap(({ policy }) => (policy?.kind === 'broken' ? [policy] : [])),
    ({ ref }) => ref.namespace,
  );
  const services = groupBy(parsed.services, ({ ref }) => ref.namespace);
  const scalers = groupBy(parsed.objects.filter(isScaler), ({ namespace }) => namespace);
  const selected = new Map<string, readonly WorkloadPod[]>();
  const candidates = new Map<string, Candidates<ValidPolicy>>();
  const parts = policyPartsOf(parsed.policies);
  for (const one of parts.policies)
    memoized(candidates, one.policy.ref.namespace, () => new Candidates<ValidPolicy>()).add(one, one.policy.appliesTo);
  const policyCandidates = (namespace: string, labels: Labels): readonly ValidPolicy[] => [
    ...new Set(candidates.get(namespace)?.of(labels)),
  ];
  const selecting = new Map<WorkloadPod, readonly ValidPolicy[]>();
  const serving = new Map<WorkloadPod, readonly Service[]>();
  const workloadsIn = (namespace: string): readonly WorkloadPod[] => workloads.get(namespace) ?? [];
  const labelsOfNamespace = (name: string): Labels => namespaceLabels.get(name) ?? impliedNamespace(name).labels;
  const select = ({ namespaces, pods }: PodSelection): readonly WorkloadPod[] =>
    ('name' in namespaces
      ? [namespaces.name]
      : [...workloads.keys()].filter((name) => matches(namespaces, labelsOfNamespace(name)))
    ).flatMap((name) => workloadsIn(name).filter(({ pod }) => matches(pods, pod.labels)));
  const serve = ({ owner, pod }: WorkloadPod): readonly Service[] =>
    (services.get(owner.namespace) ?? []).filter(
      ({ selector }) => selector !== undefined && matches(selector, pod.labels),
    );
  return {
    ...parsed,
    parts,
    policyCandidates,
    brokenIn: (namespace) => broken.get(namespace) ?? [],
    policiesFor: (workload) =>
      memoized(selecting, workload, () => {
        const { owner, pod } = workload;
        return policyCandidates(owner.namespace, pod.labels).filter(({ policy }) => selects(policy, pod));
      }),
    workloadsIn,
    select: (selection) => memoized(selected, selectionId(selection), () => select(selection)),
    servicesOf: (workload) => memoized(serving, workload, () => serve(workload)),
    scalersOf: (namespace) => scalers.get(namespace) ?? [],
    objectOf: (kind, namespace, name) => objects.get(keyOf(kind, namespace, name)),
  };
}

/** What was made for a key before, or is made now. */
export function memoized<K, V>(cache: Map<K, V>, key: K, make: () => V): V {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key) as V;
}

const isScaler = ({ kind, apiVersion }: LintObject): boolean =>
  (kind === 'HorizontalPodAutoscaler' && apiVersion.startsWith('autoscaling/')) ||
  (kind === 'ScaledObject' && apiVersion.startsWith('keda.sh/'));

const keyOf = (...[kind, namespace, name]: Parameters<LintInput['objectOf']>): string => `${kind} ${namespace}/${name}`;
