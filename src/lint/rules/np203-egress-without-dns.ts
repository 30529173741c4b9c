import type { WorkloadPod } from '../../model/workload.js';
import { allowsKnownDns, dnsServers, hasNodeLocalDns, mayAllowDns, type DnsProtocol } from '../dns.js';
import { Redundancy } from '../redundancy.js';
import { memoized } from '../lint-input.js';
import { subjectsOf, validPolicies } from '../queries.js';
import type { PolicyRule } from '../../model/policy.js';
import type { ValidPolicy } from '../objects.js';
import type { Rule, LintInput } from '../types.js';

export const rule: Rule = {
  id: 'NP203',
  name: 'egress-without-dns',
  severity: 'error',
  scope: 'document',
  confidence: 'heuristic',
  summary: 'egress is isolated and some of it is allowed, but not DNS',
  why: 'Without DNS no name resolves, so pods cannot find what they may call: the most frequent mistake with egress.',
  bad: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]',
  good: 'podSelector: {matchLabels: {app: web}}\npolicyTypes: [Egress]\negress:\n  - to: [{podSelector: {matchLabels: {app: db}}}]\n    ports: [{port: 5432}]\n  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]\n    ports: [{port: 53, protocol: UDP}, {port: 53}]',
  *check(input) {
    if (hasNodeLocalDns(input)) return;
    const dns = new DnsOf(input);
    for (const one of validPolicies(input)) {
      const { egress = [] } = one.policy;
      const namesPods = egress.some(({ peers }) => peers !== 'anyone' && peers.some((peer) => peer.kind === 'pods'));
      const missing = namesPods ? dns.missingAt(one) : undefined;
      if (missing === undefined) continue;
      yield {
        object: one.object,
        path: ['spec', 'egress'],
        part: 'key',
        severity: !dns.isKnown ? 'info' : missing === 'UDP' ? 'error' : 'warning',
        confidence: dns.isKnown ? 'closed-world' : 'heuristic',
        message:
          missing === 'TCP'
            ? 'DNS over TCP is not allowed: answers that do not fit in a UDP packet fail'
            : 'these pods may not reach DNS (UDP 53): they cannot resolve names',
      };
    }
  },
};

class DnsOf {
  /** Whether it is known who serves DNS, and who asks. */
  readonly isKnown: boolean;
  readonly #input: LintInput;
  readonly #servers: readonly WorkloadPod[];
  readonly #redundancy: Redundancy;
  readonly #missing = new Map<WorkloadPod, DnsProtocol | undefined>();

  constructor(input: LintInput) {
    this.#input = input;
    this.#servers = dnsServers(input);
    this.#redundancy = new Redundancy(input);
    this.isKnown = input.closed && this.#servers.length > 0;
  }

  /** By the sum of the policies that select a pod of this one's; where pods are not known, of those that surely do. */
  missingAt(one: ValidPolicy): DnsProtocol | undefined {
    if (!this.isKnown) return this.#missingFrom([one, ...this.#redundancy.around(one)]);
    const asking = subjectsOf(this.#input, one.policy).filter((subject) => !this.#servers.includes(subject));
    const missing = asking.map((subject) =>
      memoized(this.#missing, subject, () => this.#missingFrom(this.#input.policiesFor(subject))),
    );
    return missing.find((protocol) => protocol === 'UDP') ?? missing.find((protocol) => protocol !== undefined);
  }

  #missingFrom(policies: readonly ValidPolicy[]): DnsProtocol | undefined {
    const servers = this.#servers;
    const lets = (of: ValidPolicy, own: PolicyRule, protocol: DnsProtocol): boolean =>
      this.isKnown
        ? allowsKnownDns(this.#input, of, own, { servers, protocol })
        : mayAllowDns(this.#input, of, own, protocol);
    return (['UDP', 'TCP'] as const).find(
      (protocol) => !policies.some((of) => of.policy.egress?.some((own) => lets(of, own, protocol))),
    );
  }
}
