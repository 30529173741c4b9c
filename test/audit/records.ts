/** Records of a small shop, as an agent writes them. */
import {
  dispositionOf,
  type EventRecord,
  type LossCause,
  type LossRecord,
  type ScanRecord,
  type RecordVerdict,
} from '../../src/audit/record.js';

import type { PolicyMode } from '../../src/model/policy-mode.js';

const hash = (digit: string): string => `sha256:${digit.repeat(64)}`;

/** A TCP packet from shop/web-1 to db/pg-0, denied on its way in; `fields` replace what the record says. */
export function deniedRecord(
  fields: Partial<EventRecord> = {},
  verdict: RecordVerdict = 'deny',
  mode: PolicyMode = 'enforce',
): EventRecord {
  const time = fields['@timestamp'] ?? '2026-11-22T10:00:00.123456789Z';
  return {
    schema_version: 2,
    '@timestamp': time,
    'event.id': '01JDADQ3V5Z0G0000000000001',
    'event.sequence': 1,
    'podwall.boot_id': 'boot-1',
    'event.start': time,
    'event.end': time,
    'event.category': ['network'],
    'k8s.node.name': 'n1',
    'observer.name': 'podwall',
    'observer.version': '0.1.0',
    'event.kind': 'event',
    'event.action': 'network-policy-verdict',
    ...dispositionOf(verdict, mode),
    'podwall.reason': 'default-deny',
    'network.direction': 'ingress',
    'network.transport': 'tcp',
    'network.type': 'ipv4',
    'podwall.tcp_flags': 'SYN',
    'source.address': '10.0.1.3',
    'source.port': 40243,
    'source.k8s.namespace.name': 'shop',
    'source.k8s.pod.name': 'web-1',
    'source.k8s.workload.kind': 'Deployment',
    'source.k8s.workload.name': 'web',
    'source.podwall.class': 'pod',
    'source.podwall.identity': hash('a'),
    'destination.address': '10.0.2.2',
    'destination.port': 8080,
    'destination.k8s.namespace.name': 'db',
    'destination.k8s.pod.name': 'pg-0',
    'destination.podwall.class': 'pod',
    'destination.podwall.identity': hash('b'),
    'podwall.trace': [
      {
        tier: 'NetworkPolicy',
        kind: 'NetworkPolicy',
        namespace: 'db',
        name: 'pg-in',
        generation: 7,
        rule: null,
        action: 'NoMatch',
      },
    ],
    'security_rule.ruleset.name': 'db/pg-in',
    'security_rule.name': null,
    'podwall.policies.isolating': ['db/pg-in'],
    'podwall.snapshot': hash('c'),
    'podwall.count': 1,
    'podwall.sampled': 1,
    ...fields,
  };
}

export const lossRecord = (cause: LossCause, count: number, fields: Partial<LossRecord> = {}): LossRecord => ({
  schema_version: 2,
  '@timestamp': '2026-11-22T10:00:05Z',
  'event.id': '01JDADQ8R80000000000000001',
  'event.sequence': 2,
  'podwall.boot_id': 'boot-1',
  'event.start': '2026-11-22T10:00:00Z',
  'event.end': '2026-11-22T10:00:05Z',
  'event.category': ['network'],
  'k8s.node.name': 'n1',
  'observer.name': 'podwall',
  'observer.version': '0.1.0',
  'event.kind': 'metric',
  'event.action': 'podwall-loss',
  'podwall.loss.cause': cause,
  'podwall.loss.count': count,
  'podwall.loss.scope': { direction: 'ingress', verdict: 'deny' },
  ...fields,
});

/** bookshop/web, past its share, was denied 5,000 addresses; `fields` replace what the record says. */
export function scanRecord(fields: Partial<ScanRecord> = {}): ScanRecord {
  return {
    schema_version: 2,
    '@timestamp': '2026-11-22T10:00:20Z',
    'event.id': '01JDADQ8R80000000000000002',
    'event.sequence': 1,
    'podwall.boot_id': 'boot-1',
    'event.start': '2026-11-22T10:00:20Z',
    'event.end': '2026-11-22T10:00:25Z',
    'event.category': ['network'],
    'k8s.node.name': 'n1',
    'observer.name': 'podwall',
    'observer.version': '0.1.0',
    'event.kind': 'metric',
    'event.action': 'podwall-scan',
    ...dispositionOf('deny', 'enforce'),
    'podwall.reason': 'default-deny',
    'network.direction': 'egress',
    'network.bytes': 160_000,
    'source.address': '10.244.1.26',
    'source.k8s.namespace.name': 'bookshop',
    'source.k8s.pod.name': 'web',
    'source.podwall.class': 'pod',
    'podwall.policies.isolating': ['bookshop/caged'],
    'podwall.count': 5000,
    'podwall.scan.senders': 1,
    'podwall.scan.sources': 1,
    'podwall.scan.addresses': 4990,
    'podwall.scan.ports': 2,
    'podwall.scan.first': [{ address: '10.9.0.1', port: 9, transport: 'udp' }],
    ...fields,
  };
}
