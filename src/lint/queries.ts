/** What many rules ask of the input. */
import type { WorkloadPod } from '../model/workload.js';
import { isolates, selects } from '../compiler/endpoints.js';
import { isMapping } from '../model/parse.js';
import { isEnforceable } from '../model/pod.js';
import type { Direction, NetworkPolicy, Peer, PolicyRule } from '../model/policy.js';
import type { PodSelection } from '../selectors/selector-index.js';
import type { Fields, LintObject, Path, ValidPolicy } from './objects.js';
import { fieldAt, type PeerEntry, type PortEntry, type RuleEntry, type SelectorEntry } from './policy-parts.js';
import type { LintInput } from './types.js';

/** Whether it is an object of the kind that we read by this name, and not another project's kind of the same name. */
export const isOfKind = ({ found }: LintObject, kind: string): boolean =>
  found?.as === 'read' && found.kind.kind === kind;

/** A policy of a version that is read, or of one that no API server serves. */
export const isPolicyObject = ({ found }: LintObject): boolean =>
  found?.kind.changeKind === 'policy' && found.as !== 'otherGroup';

/** Every policy that parsed. */
export const validPolicies = ({ parts }: LintInput): readonly ValidPolicy[] => parts.policies;

/** Every rule of every valid policy. */
export const rulesOf = ({ parts }: LintInput): readonly RuleEntry[] => parts.rules;

/** Every peer of every rule, with its own path. */
export const peersOf = ({ parts }: LintInput): readonly PeerEntry[] => parts.peers;

export const portsOf = ({ parts }: LintInput): readonly PortEntry[] => parts.ports;

/** Every selector of every valid policy. */
export const selectorsOf = ({ parts }: LintInput): readonly SelectorEntry[] => parts.selectors;

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
export const knowsWorkloads = (input: LintInput, namespace: string): boolean => input.workloadsIn(namespace).length > 0;

export const selectionOfSubject = ({ ref, appliesTo }: NetworkPolicy): PodSelection => ({
  namespaces: { name: ref.namespace },
  pods: appliesTo,
});

export const selectionOfPeer = (policy: NetworkPolicy, { namespaces, pods }: PodPeer): PodSelection => ({
  namespaces: namespaces === 'own' ? { name: policy.ref.namespace } : namespaces,
  pods,
});

/** The workloads that this policy selects, on the host network or finished or not. */
export const namedBySubject = (input: LintInput, policy: NetworkPolicy): readonly WorkloadPod[] =>
  input.select(selectionOfSubject(policy));

/** The workloads that policies see and this policy selects. */
export const subjectsOf = (input: LintInput, policy: NetworkPolicy): readonly WorkloadPod[] =>
  namedBySubject(input, policy).filter(({ pod }) => isEnforceable(pod));

type PodPeer = Extract<Peer, { kind: 'pods' }>;

/** The workloads that a peer names by their labels, on the host network or not. */
export const namedByPeer = (input: LintInput, policy: NetworkPolicy, peer: PodPeer): readonly WorkloadPod[] =>
  input.select(selectionOfPeer(policy, peer));

/** The workloads that a peer means. */
export const podsOfPeer = (input: LintInput, policy: NetworkPolicy, peer: Peer): readonly WorkloadPod[] =>
  peer.kind === 'ipBlock' ? [] : namedByPeer(input, policy, peer).filter(({ pod }) => isEnforceable(pod));

/** Whether the workloads that all peers of a rule mean are in the input. */
export const knowsPeers = (input: LintInput, policy: NetworkPolicy, { peers }: PolicyRule): boolean =>
  peers !== 'anyone' &&
  peers.every(
    (peer) =>
      peer.kind === 'pods' && (peer.namespaces === 'own' ? knowsWorkloads(input, policy.ref.namespace) : input.closed),
  );

/** By a policy that is broken, too: such a one isolates what it selects. */
export const isIsolated = (input: LintInput, workload: WorkloadPod, direction: Direction): boolean =>
  [
    ...input.policiesFor(workload).map(({ policy }) => policy),
    ...input.brokenIn(workload.owner.namespace).filter((policy) => selects(policy, workload.pod)),
  ].some((policy) => isolates(policy, direction));

/** Namespaces of the cluster's own components, in which nobody isolates by default. */
export const isSystemNamespace = (name: string): boolean => /^kube-(system|public|node-lease)$/.test(name);
