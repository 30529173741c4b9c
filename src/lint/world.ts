/** Short ways through what was read, which many rules take. */
import { isolates, selects } from '../compiler/endpoints.js';
import { groupBy } from '../generic/group-by.js';
import type { Labels } from '../model/labels.js';
import { impliedNamespace, isMapping } from '../model/parse.js';
import { isEnforceable } from '../model/pod.js';
import type { Direction, NetworkPolicy, Peer, PolicyRule } from '../model/policy.js';
import { matches } from '../selectors/match.js';
import type { Service } from '../model/service.js';
import { Candidates } from '../selectors/candidates.js';
import { selectionId, type PodSelection } from '../selectors/selector-index.js';
import type { Fields, Known, Path, ValidPolicy, WorkloadEntry, World } from './types.js';
import { fieldAt, walksOf } from './walks.js';

export { fieldAt, peersKey, peersOf, portsOf, rulesOf, selectorsOf, validPolicies } from './walks.js';
export type { PeerEntry, PortEntry, RuleEntry, SelectorEntry } from './walks.js';

/** Each way is prepared once, however many rules and policies take it. */
export function makeWorld(known: Known): World {
  const workloads = groupBy(known.workloads, ({ owner }) => owner.namespace);
  const namespaceLabels = new Map(known.namespaces.map(({ name, labels }) => [name, labels]));
  const objects = new Map(known.objects.toReversed().map((one) => [keyOf(one.kind, one.namespace, one.name), one]));
  const broken = groupBy(
    known.policies.flatMap(({ policy }) => (policy?.kind === 'broken' ? [policy] : [])),
    ({ ref }) => ref.namespace,
  );
  const services = groupBy(known.services, ({ ref }) => ref.namespace);
  const scalers = groupBy(
    known.objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler' || kind === 'ScaledObject'),
    ({ namespace }) => namespace,
  );
  const selected = new Map<string, readonly WorkloadEntry[]>();
  const candidates = new Map<string, Candidates<ValidPolicy>>();
  const walks = walksOf(known.policies);
  for (const one of walks.policies)
    remembered(candidates, one.policy.ref.namespace, () => new Candidates<ValidPolicy>()).add(
      one,
      one.policy.appliesTo,
    );
  const policyCandidates = (namespace: string, labels: Labels): readonly ValidPolicy[] => [
    ...new Set(candidates.get(namespace)?.of(labels)),
  ];
  const selecting = new Map<WorkloadEntry, readonly ValidPolicy[]>();
  const serving = new Map<WorkloadEntry, readonly Service[]>();
  const workloadsIn = (namespace: string): readonly WorkloadEntry[] => workloads.get(namespace) ?? [];
  const labelsOfNamespace = (name: string): Labels => namespaceLabels.get(name) ?? impliedNamespace(name).labels;
  const select = ({ namespaces, pods }: PodSelection): readonly WorkloadEntry[] =>
    ('name' in namespaces
      ? [namespaces.name]
      : [...workloads.keys()].filter((name) => matches(namespaces, labelsOfNamespace(name)))
    ).flatMap((name) => workloadsIn(name).filter(({ pod }) => matches(pods, pod.labels)));
  const serve = ({ owner, pod }: WorkloadEntry): readonly Service[] =>
    (services.get(owner.namespace) ?? []).filter(
      ({ selector }) => selector !== undefined && matches(selector, pod.labels),
    );
  return {
    ...known,
    walks,
    policyCandidates,
    brokenIn: (namespace) => broken.get(namespace) ?? [],
    policiesFor: (workload) =>
      remembered(selecting, workload, () => {
        const { owner, pod } = workload;
        return policyCandidates(owner.namespace, pod.labels).filter(({ policy }) => selects(policy, pod));
      }),
    workloadsIn,
    select: (selection) => remembered(selected, selectionId(selection), () => select(selection)),
    servicesOf: (workload) => remembered(serving, workload, () => serve(workload)),
    scalersOf: (namespace) => scalers.get(namespace) ?? [],
    objectOf: (kind, namespace, name) => objects.get(keyOf(kind, namespace, name)),
  };
}

/** What was made for a key before, or is made now. */
export function remembered<K, V>(known: Map<K, V>, key: K, make: () => V): V {
  if (!known.has(key)) known.set(key, make());
  return known.get(key) as V;
}

const keyOf = (...[kind, namespace, name]: Parameters<World['objectOf']>): string => `${kind} ${namespace}/${name}`;

/** Where a requirement of a selector stands, by the key that it is about. */
export function requirementPath(fields: Fields, selector: Path, key: string): Path {
  const raw = fieldAt(fields, selector);
  if (!isMapping(raw)) return selector;
  if (isMapping(raw['matchLabels']) && key in raw['matchLabels']) return [...selector, 'matchLabels', key];
  const expressions = Array.isArray(raw['matchExpressions']) ? (raw['matchExpressions'] as unknown[]) : [];
  const index = expressions.findIndex((one) => isMapping(one) && one['key'] === key);
  return index < 0 ? selector : [...selector, 'matchExpressions', index];
}

/** Workloads of a namespace are in the input. */
export const knowsWorkloads = (world: World, namespace: string): boolean => world.workloadsIn(namespace).length > 0;

export const selectionOfSubject = ({ ref, appliesTo }: NetworkPolicy): PodSelection => ({
  namespaces: { name: ref.namespace },
  pods: appliesTo,
});

export const selectionOfPeer = (policy: NetworkPolicy, { namespaces, pods }: PodPeer): PodSelection => ({
  namespaces: namespaces === 'own' ? { name: policy.ref.namespace } : namespaces,
  pods,
});

/** The workloads that this policy selects, on the host network or finished or not. */
export const namedBySubject = (world: World, policy: NetworkPolicy): readonly WorkloadEntry[] =>
  world.select(selectionOfSubject(policy));

/** The workloads that policies see and this policy selects. */
export const subjectsOf = (world: World, policy: NetworkPolicy): readonly WorkloadEntry[] =>
  namedBySubject(world, policy).filter(({ pod }) => isEnforceable(pod));

type PodPeer = Extract<Peer, { kind: 'pods' }>;

/** The workloads that a peer names by their labels, on the host network or not. */
export const namedByPeer = (world: World, policy: NetworkPolicy, peer: PodPeer): readonly WorkloadEntry[] =>
  world.select(selectionOfPeer(policy, peer));

/** The workloads that a peer means. */
export const podsOfPeer = (world: World, policy: NetworkPolicy, peer: Peer): readonly WorkloadEntry[] =>
  peer.kind === 'ipBlock' ? [] : namedByPeer(world, policy, peer).filter(({ pod }) => isEnforceable(pod));

/** Whether the workloads that all peers of a rule mean are in the input. */
export const knowsPeers = (world: World, policy: NetworkPolicy, { peers }: PolicyRule): boolean =>
  peers !== 'anyone' &&
  peers.every(
    (peer) =>
      peer.kind === 'pods' && (peer.namespaces === 'own' ? knowsWorkloads(world, policy.ref.namespace) : world.closed),
  );

/** By a policy that is broken, too: such a one isolates what it selects. */
export const isIsolated = (world: World, workload: WorkloadEntry, direction: Direction): boolean =>
  [
    ...world.policiesFor(workload).map(({ policy }) => policy),
    ...world.brokenIn(workload.owner.namespace).filter((policy) => selects(policy, workload.pod)),
  ].some((policy) => isolates(policy, direction));

/** Namespaces of the cluster's own components, in which nobody isolates by default. */
export const isSystemNamespace = (name: string): boolean => /^kube-(system|public|node-lease)$/.test(name);
