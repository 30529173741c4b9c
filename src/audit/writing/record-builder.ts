/** Builds the records of logged packets and of losses: the envelope, and where each field comes from. */
import { familyOf } from '../../model/address.js';
import type { Observation } from '../../model/observation.js';
import { policyKey } from '../../model/policy.js';
import type { Loss } from '../accounting/losses.js';
import type { LoggedPacket, PacketEndpoint } from '../attribution/logged-packet.js';
import {
  dispositionOf,
  schemaVersion,
  type EndpointRole,
  type EventRecord,
  type LossRecord,
  type ScanRecord,
} from '../record.js';
import type { ScanSum } from '../sharing/scan-sums.js';
import type { ContentId } from '../snapshots/content-id.js';
import type { SnapshotReferences } from '../snapshots/snapshot-references.js';
import { tcpFlags, transportNames } from '../transports.js';
import type { PacketSum } from './aggregator.js';
import { communityId } from './community-id.js';
import { ulid } from './ulid.js';

/** Who writes the records. */
export interface RecordOrigin {
  readonly node: string;
  /** Absent where the cluster has none. */
  readonly clusterUid?: string;
  readonly version: string;
  /** One run of the agent. */
  readonly bootId: string;
}

/** Numbers every record that it builds: none may be thrown away. */
export class RecordBuilder {
  readonly #origin: RecordOrigin;
  readonly #now: () => number;
  #sequence = 0;
  #scanSequence = 0;

  constructor(origin: RecordOrigin, now: () => number) {
    this.#origin = origin;
    this.#now = now;
  }

  event(logged: LoggedPacket, sum: PacketSum, references: SnapshotReferences = {}): EventRecord {
    const { packet, direction, verdict, mode, reason, isolating, rule } = logged;
    const decider = rule?.policy ?? isolating[0];
    return {
      ...this.#envelope(sum.start, sum, (this.#sequence += 1)),
      'event.kind': 'event',
      'event.action': 'network-policy-verdict',
      ...dispositionOf(verdict, mode),
      'podwall.reason': reason,
      'network.direction': direction,
      'network.transport': transportNames[packet.protocol] ?? String(packet.protocol),
      'network.type': familyOf(packet.source) === 'IPv4' ? 'ipv4' : 'ipv6',
      'network.community_id': communityIdOf(logged),
      'network.bytes': sum.bytes,
      ...(packet.tcpFlags === undefined ? {} : { 'podwall.tcp_flags': flagNames(packet.tcpFlags) }),
      ...(packet.icmp === undefined
        ? {}
        : { 'podwall.icmp.type': packet.icmp.type, 'podwall.icmp.code': packet.icmp.code }),
      ...(packet.device === undefined ? {} : { 'observer.ingress.interface.name': packet.device }),
      ...endpointFields('source', logged.source, references.source),
      ...endpointFields('destination', logged.destination, references.destination),
      'podwall.trace': logged.trace,
      ...(decider === undefined
        ? {}
        : {
            'security_rule.ruleset.name': policyKey(decider),
            'security_rule.name': rule === undefined ? null : `${direction}[${rule.index}]`,
          }),
      'podwall.policies.isolating': isolating.map(policyKey),
      ...(references.snapshot === undefined ? {} : { 'podwall.snapshot': references.snapshot }),
      'podwall.count': sum.count,
      'podwall.sampled': 1,
    };
  }

  scan(sum: ScanSum, references: SnapshotReferences = {}): ScanRecord {
    const { logged, packets, isOfOneSet, isOfOneSender } = sum;
    const { direction, verdict, mode, reason, isolating, sender } = logged;
    return {
      ...this.#envelope(packets.start, packets, (this.#scanSequence += 1)),
      'event.kind': 'metric',
      'event.action': 'podwall-scan',
      ...dispositionOf(verdict, mode),
      'podwall.reason': reason,
      'network.direction': direction,
      'network.bytes': packets.bytes,
      ...endpointFields('source', isOfOneSender ? sender : { address: sender.address, class: 'unknown' }, undefined),
      'podwall.policies.isolating': isOfOneSet ? isolating.map(policyKey) : [],
      ...(references.snapshot === undefined ? {} : { 'podwall.snapshot': references.snapshot }),
      'podwall.count': packets.count,
      'podwall.scan.senders': sum.senders,
      'podwall.scan.sources': sum.sources,
      'podwall.scan.addresses': sum.addresses,
      'podwall.scan.ports': sum.ports,
      'podwall.scan.first': sum.first.map(({ protocol, ...endpoint }) => ({
        ...endpoint,
        transport: transportNames[protocol] ?? String(protocol),
      })),
    };
  }

  loss({ cause, direction, isReport, sender, count, start, end }: Loss): LossRecord {
    return {
      ...this.#envelope(this.#now(), { start, end }, (this.#sequence += 1)),
      'event.kind': 'metric',
      'event.action': 'podwall-loss',
      'podwall.loss.cause': cause,
      'podwall.loss.count': count,
      'podwall.loss.scope': {
        ...(direction === undefined ? {} : { direction }),
        ...(isReport === true ? {} : { verdict: 'deny' }),
        ...(sender === undefined ? {} : { sender }),
      },
    };
  }

  #envelope(time: number, { start, end }: Pick<PacketSum, 'start' | 'end'>, sequence: number) {
    const { node, clusterUid, version, bootId } = this.#origin;
    return {
      schema_version: schemaVersion,
      '@timestamp': timestamp(time),
      'event.id': ulid(this.#now()),
      'event.sequence': sequence,
      'podwall.boot_id': bootId,
      'event.start': timestamp(start),
      'event.end': timestamp(end),
      'event.category': ['network'],
      'k8s.node.name': node,
      ...(clusterUid === undefined ? {} : { 'k8s.cluster.uid': clusterUid }),
      'observer.name': 'podwall',
      'observer.version': version,
    } as const;
  }
}

type Fields<R extends EndpointRole> = Pick<EventRecord, Extract<keyof EventRecord, `${R}.${string}`>>;

function endpointFields<R extends EndpointRole>(
  role: R,
  endpoint: PacketEndpoint,
  identity: ContentId | undefined,
): Fields<R> {
  const { address, port, pod, namedPort } = endpoint;
  const fields = {
    address,
    port,
    'k8s.namespace.name': pod?.ref.namespace,
    'k8s.pod.name': pod?.ref.name,
    'k8s.pod.uid': pod?.uid,
    'k8s.workload.kind': pod?.workload?.kind,
    'k8s.workload.name': pod?.workload?.name,
    'podwall.class': endpoint.class,
    'podwall.named_port': namedPort,
    'podwall.identity': identity,
  };
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) known[`${role}.${name}`] = value;
  return known as Fields<R>;
}

const flagNames = (flags: number): string => tcpFlags.filter((_, bit) => (flags & (1 << bit)) !== 0).join(',');

const communityIdOf = ({ packet, source, destination }: LoggedPacket): string => {
  const ports = portsOf(packet, source, destination);
  return communityId({
    protocol: packet.protocol,
    source: source.address,
    destination: destination.address,
    ...(ports === undefined ? {} : { ports }),
  });
};

function portsOf(
  { icmp }: Observation,
  source: PacketEndpoint,
  destination: PacketEndpoint,
): readonly [number, number] | undefined {
  if (icmp !== undefined) return [icmp.type, icmp.code];
  return source.port === undefined || destination.port === undefined ? undefined : [source.port, destination.port];
}

/** RFC 3339 with the kernel's microseconds. @param time in milliseconds since the epoch */
function timestamp(time: number): string {
  const micros = Math.floor((time - Math.floor(time)) * 1000);
  return new Date(Math.floor(time)).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}
