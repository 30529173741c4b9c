/** On what an answer rests that the input does not say. */
import type { LabelSelector } from '../model/labels.js';
import { policyKey, type AnyPolicy, type Peer } from '../model/policy.js';
import type { PolicyProgram, RuleOrigin } from '../program/types.js';
import { canonicalText, matches } from '../selectors/match.js';
import { partialBlocks, type BlockOptions } from '../evaluation/blocks.js';
import type { Answer, Reason } from './questions.js';
import type { Workload } from '../model/workload.js';

const nameLabel = 'kubernetes.io/metadata.name';

/** Selectors by labels of namespaces of which only the name is known. */
export function impliedNamespaceWarnings(
  policies: readonly AnyPolicy[],
  implied: ReadonlySet<string>,
): readonly string[] {
  const found = new Map<string, Set<string>>();
  for (const policy of policies)
    for (const selector of namespaceSelectorsOf(policy)) {
      const unknown = [...implied].filter((name) => isUndecided(selector, name));
      if (unknown.length === 0) continue;
      const key = `${canonicalText(selector)}, as ${policyKey(policy.ref)} does`;
      found.set(key, new Set([...(found.get(key) ?? []), ...unknown]));
    }
  return [...found].map(
    ([selector, names]) =>
      `only the name is known of ${shortList([...names].sort())}: no Namespace in the input; selecting namespaces by ${selector}, takes them to have no other labels`,
  );
}

/** What the answer to one question rests on: another label of the peer's namespace might turn it. */
export function answerWarnings(
  { from, to, reasons }: Answer,
  policies: readonly AnyPolicy[],
  implied: ReadonlySet<string>,
): readonly string[] {
  return reasons.flatMap((reason) => {
    const peer = reason.direction === 'egress' ? to : from;
    if (peer.kind === 'address' || !implied.has(peer.workload.namespace)) return [];
    const unknown = new Set([peer.workload.namespace]);
    const resting = policies.flatMap((policy) => restingRules(policy, reason, peer.workload.namespace));
    return impliedNamespaceWarnings(resting, unknown);
  });
}

/** The policy with those rules only that might have decided. */
function restingRules(policy: AnyPolicy, reason: Reason, namespace: string): readonly AnyPolicy[] {
  if (policy.kind === 'broken') return [];
  const { kind, ref, appliesTo } = policy;
  const rules = policy[reason.direction] ?? [];
  const key = policyKey(ref);
  if (reason.kind === 'isolatedBy')
    return reason.policies.some((one) => policyKey(one) === key)
      ? [{ kind, ref, appliesTo, [reason.direction]: rules }]
      : [];
  if (reason.kind !== 'allowedBy') return [];
  const peerOf = ({ rule, peer }: RuleOrigin): Peer | undefined => {
    const peers = rules[rule]?.peers;
    return peer === undefined || typeof peers === 'string' ? undefined : peers?.[peer];
  };
  const rests = (origin: RuleOrigin): boolean => {
    const peer = policyKey(origin.policy) === key ? peerOf(origin) : undefined;
    return peer?.kind === 'pods' && peer.namespaces !== 'own' && isUndecided(peer.namespaces, namespace);
  };
  // A rule that holds whatever the labels are is enough.
  return reason.rules.every(rests) ? [{ kind, ref, appliesTo, [reason.direction]: rules }] : [];
}

function namespaceSelectorsOf(policy: AnyPolicy): readonly LabelSelector[] {
  if (policy.kind === 'broken') return [];
  return [...(policy.ingress ?? []), ...(policy.egress ?? [])].flatMap(({ peers }) =>
    peers === 'anyone'
      ? []
      : peers.flatMap((peer) => (peer.kind === 'pods' && peer.namespaces !== 'own' ? [peer.namespaces] : [])),
  );
}

/** The name alone does not decide. */
function isUndecided({ requirements }: LabelSelector, name: string): boolean {
  const byName = requirements.filter(({ key }) => key === nameLabel);
  return byName.length < requirements.length && matches({ requirements: byName }, { [nameLabel]: name });
}

/** Blocks that hold a part only of what pods without an address may get: they are taken not to be about those. */
export function partialBlockWarnings(
  program: PolicyProgram,
  workloads: readonly Workload[],
  options: BlockOptions,
): readonly string[] {
  if (workloads.every(({ addresses }) => addresses.length > 0)) return [];
  const partial = partialBlocks(program, options);
  if (partial.length === 0) return [];
  const titles = shortList([...partial].sort());
  return [
    `not about pods without an address, since they hold a part only of what these may get (--pod-cidr narrows that): ipBlocks ${titles}`,
  ];
}

const shortList = (names: readonly string[]): string =>
  names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
