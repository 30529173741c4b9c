import { objectKey } from '../../model/pod.js';
import { policyKey } from '../../model/policy.js';
import { OtherSide, type Denial } from '../other-side.js';
import { peersKey, rulesOf, selectionOfPeer, selectionOfSubject, type RuleEntry } from '../world.js';
import type { Path, Rule, World } from '../types.js';

export const rule: Rule = {
  id: 'NP407',
  name: 'asymmetric-flow',
  severity: 'warning',
  scope: 'cluster',
  confidence: 'closed-world',
  summary: 'a rule that names the other side by labels, where that side denies all of it',
  why: 'A connection needs both ends: the egress rule of the one and the ingress rule of the other.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]',
  good: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n---\npodSelector: {matchLabels: {app: db}}\npolicyTypes: [Ingress]\ningress:\n  - from: [{podSelector: {matchLabels: {app: web}}}]\n    ports: [{port: 5432}]',
  *check(world) {
    const otherSide = new OtherSide(world);
    const byKey = new Map(world.policies.map((object) => [objectKey(object), object]));
    for (const entry of rulesOf(world)) {
      const found = firstDenial(world, otherSide, entry);
      if (found === undefined) continue;
      const { denial, path } = found;
      const object = denial.by[0] && byKey.get(policyKey(denial.by[0]));
      const act = entry.direction === 'egress' ? 'lets none of this in' : 'may send none of this';
      yield {
        object: entry.object,
        path,
        message: `${denial.workload.id} ${act}: isolated by ${denial.by.map(policyKey).join(', ')}`,
        related: object === undefined ? [] : [{ object, path: ['spec'], message: 'what isolates the other side' }],
      };
    }
  },
};

/** One a rule is enough. Who names everybody may well mean those that do not deny. */
function firstDenial(world: World, otherSide: OtherSide, entry: RuleEntry): { denial: Denial; path: Path } | undefined {
  const { policy, direction, rule: own, path } = entry;
  if (own.peers === 'anyone') return undefined;
  for (const [index, peer] of own.peers.entries()) {
    if (peer.kind !== 'pods') continue;
    const names = [...peer.pods.requirements, ...(peer.namespaces === 'own' ? [] : peer.namespaces.requirements)];
    // Of a namespace that is only named, the labels are not known.
    if (names.length === 0 || (peer.namespaces !== 'own' && world.implied.size > 0)) continue;
    const denial = otherSide.denial(entry, selectionOfSubject(policy), selectionOfPeer(policy, peer));
    if (denial !== undefined) return { denial, path: [...path, peersKey(direction), index] };
  }
  return undefined;
}
