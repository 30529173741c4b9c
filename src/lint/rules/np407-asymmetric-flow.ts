import { objectKey } from '../../model/pod.js';
import { policyKey } from '../../model/policy.js';
import { PeerVerdicts, type Denial } from '../peer-verdicts.js';
import { peersKey, type RuleEntry } from '../policy-parts.js';
import { rulesOf, selectionOfPeer, selectionOfSubject } from '../queries.js';
import type { Path } from '../objects.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP407',
  name: 'asymmetric-flow',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a rule that allows connections which policies of the peer deny',
  why: 'A connection needs both: an egress rule of the client and an ingress rule of the server.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]',
  good: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n    ports: [{port: 5432}]',
  *check(input) {
    const peerVerdicts = new PeerVerdicts(input);
    const byKey = new Map(input.policies.map((object) => [objectKey(object), object]));
    for (const entry of rulesOf(input)) {
      const found = firstDenial(input, peerVerdicts, entry);
      if (found === undefined) continue;
      const { denial, path } = found;
      const object = denial.by[0] && byKey.get(policyKey(denial.by[0]));
      const act = entry.direction === 'egress' ? 'denies all of this' : 'is not allowed to send any of this';
      yield {
        object: entry.object,
        path,
        message: `${denial.workload.id} ${act}: isolated by ${denial.by.map(policyKey).join(', ')}`,
        related: object === undefined ? [] : [{ object, path: ['spec'], message: 'the policy that isolates the peer' }],
      };
    }
  },
};

/** One a rule is enough. Who names everybody may well mean those that do not deny. */
function firstDenial(
  input: LintInput,
  peerVerdicts: PeerVerdicts,
  entry: RuleEntry,
): { denial: Denial; path: Path } | undefined {
  const { policy, direction, rule: own, path } = entry;
  if (own.peers === 'anyone') return undefined;
  for (const [index, peer] of own.peers.entries()) {
    if (peer.kind !== 'pods') continue;
    const names = [...peer.pods.requirements, ...(peer.namespaces === 'own' ? [] : peer.namespaces.requirements)];
    // Of a namespace that is only named, the labels are not known.
    if (names.length === 0 || (peer.namespaces !== 'own' && input.implied.size > 0)) continue;
    const denial = peerVerdicts.denial(entry, selectionOfSubject(policy), selectionOfPeer(policy, peer));
    if (denial !== undefined) return { denial, path: [...path, peersKey(direction), index] };
  }
  return undefined;
}
