import type { PolicyRule, Port } from '../../model/policy.js';
import { canonicalText, matches } from '../../selectors/match.js';
import { validPolicies } from '../world.js';
import type { Rule, ValidPolicy } from '../types.js';

const coversDns = (ports: PolicyRule['ports'], protocol: 'UDP' | 'TCP'): boolean =>
  ports === 'anyPort' || ports.some((port) => isDns(port, protocol));

const isDns = (port: Port, protocol: 'UDP' | 'TCP'): boolean =>
  port.protocol === protocol &&
  (port.kind === 'all' ||
    (port.kind === 'named' ? /dns/.test(port.name) : port.first <= 53 && port.last >= 53) ||
    // CoreDNS listens on 5353 in OpenShift, where the Service translates.
    (port.kind === 'range' && port.first <= 5353 && port.last >= 5353));

/** Could be the DNS pods: any peer that is not about addresses, and not only about the own namespace. */
const mayBeDns = ({ peers }: PolicyRule, namespace: string): boolean =>
  peers === 'anyone' ||
  peers.some((peer) =>
    peer.kind === 'pods'
      ? peer.namespaces !== 'own' || namespace === 'kube-system'
      : peer.cidr.prefix <= 8 || coversNodeLocal(peer.cidr.address),
  );

/** NodeLocal DNSCache and cluster DNS addresses are named by ipBlock. */
const coversNodeLocal = (address: string): boolean => address.startsWith('169.254.') || address.startsWith('10.');

export const rule: Rule = {
  id: 'NP203',
  name: 'egress-without-dns',
  severity: 'warning',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'egress is isolated, something is allowed to pods, and DNS is not',
  why: 'Without DNS no name resolves, and what the policy allows is not found: the most frequent mistake with egress.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]',
  good: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]\n    ports: [{port: 53, protocol: UDP}, {port: 53}]',
  *check(world) {
    const all = [...validPolicies(world)];
    for (const { object, policy } of all) {
      const { egress = [] } = policy;
      const namesPods = egress.some(({ peers }) => peers !== 'anyone' && peers.some((peer) => peer.kind === 'pods'));
      if (!namesPods) continue;
      const rules = all
        .filter((other) => appliesWhereverIt(other, { object, policy }))
        .flatMap(({ policy: other }) => other.egress ?? []);
      const allowed = (protocol: 'UDP' | 'TCP'): boolean =>
        rules.some((one) => coversDns(one.ports, protocol) && mayBeDns(one, policy.ref.namespace));
      if (allowed('UDP') && allowed('TCP')) continue;
      yield {
        object,
        path: ['spec', 'egress'],
        part: 'key',
        ...(world.closed && !allowed('UDP') ? { severity: 'error' as const, confidence: 'closed-world' as const } : {}),
        ...(allowed('UDP') ? { severity: 'info' as const } : {}),
        message: allowed('UDP')
          ? 'DNS over TCP is not allowed: answers that do not fit a datagram fail'
          : 'these pods may not ask DNS (UDP 53): nothing that they call by name is found',
      };
    }
  },
};

/** Whether the other policy selects at least every pod that this one does. */
function appliesWhereverIt({ policy: other }: ValidPolicy, { policy }: ValidPolicy): boolean {
  if (other.ref.namespace !== policy.ref.namespace) return false;
  if (other === policy || other.appliesTo.requirements.length === 0) return true;
  if (canonicalText(other.appliesTo) === canonicalText(policy.appliesTo)) return true;
  const labels = Object.fromEntries(
    policy.appliesTo.requirements.flatMap((one) =>
      one.operator === 'In' && one.values.length === 1 ? [[one.key, one.values[0] ?? ''] as const] : [],
    ),
  );
  return other.appliesTo.requirements.every(({ operator }) => operator === 'In') && matches(other.appliesTo, labels);
}
