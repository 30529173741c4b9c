/** Judged packets and losses as records: the envelope, and what each field is taken from. */
import { randomBytes } from 'node:crypto';
import { familyOf } from '../../model/address.js';
import { ipProtocols, type Observation } from '../../model/observation.js';
import { policyKey, type Direction } from '../../model/policy.js';
import type { PacketSum } from './aggregator.js';
import type { PacketEndpoint, LoggedPacket } from '../attribution/logged-packet.js';
import { communityId } from './community-id.js';
import type { SnapshotReferences } from '../snapshots/snapshot-references.js';
import type { ContentId } from '../snapshots/snapshots.js';
import { dispositionOf, schemaVersion, type EventRecord, type LossCause, type LossRecord } from '../record.js';

export interface Loss {
  readonly cause: LossCause;
  readonly direction?: Direction;
  /** Of packets that were not denied: what is allowed, or judged otherwise by a dry run. */
  readonly isReport?: true;
  readonly count: number;
  /** When it may have begun and ended, in milliseconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export interface RecordOrigin {
  readonly node: string;
  /** Absent where the cluster has none. */
  readonly clusterUid?: string;
  readonly version: string;
  /** One run of the agent. */
  readonly bootId: string;
}

/** A number for every record that is made: none may be thrown away. */
export class RecordBuilder {
  readonly #writer: RecordOrigin;
  readonly #now: () => number;
  #sequence = 0;

  constructor(writer: RecordOrigin, now: () => number) {
    this.#writer = writer;
    this.#now = now;
  }

  event(judged: LoggedPacket, counted: PacketSum, evidence: SnapshotReferences = {}): EventRecord {
    const { packet, direction, verdict, mode, reason, isolating, rule } = judged;
    const decider = rule?.policy ?? isolating[0];
    return {
      ...this.#envelope(counted.start, counted),
      'event.kind': 'event',
      'event.action': 'network-policy-verdict',
      ...dispositionOf(verdict, mode),
      'podwall.reason': reason,
      'network.direction': direction,
      'network.transport': transports[packet.protocol] ?? String(packet.protocol),
      'network.type': familyOf(packet.source) === 'IPv4' ? 'ipv4' : 'ipv6',
      'network.community_id': communityOf(judged),
      'network.bytes': counted.bytes,
      ...(packet.tcpFlags === undefined ? {} : { 'podwall.tcp_flags': flagNames(packet.tcpFlags) }),
      ...(packet.icmp === undefined
        ? {}
        : { 'podwall.icmp.type': packet.icmp.type, 'podwall.icmp.code': packet.icmp.code }),
      ...(packet.device === undefined ? {} : { 'observer.ingress.interface.name': packet.device }),
      ...endFields('source', judged.source, evidence.source),
      ...endFields('destination', judged.destination, evidence.destination),
      'podwall.trace': judged.trace,
      ...(decider === undefined
        ? {}
        : {
            'security_rule.ruleset.name': policyKey(decider),
            'security_rule.name': rule === undefined ? null : `${direction}[${rule.index}]`,
          }),
      'podwall.policies.isolating': isolating.map(policyKey),
      ...(evidence.snapshot === undefined ? {} : { 'podwall.snapshot': evidence.snapshot }),
      'podwall.count': counted.count,
      'podwall.sampled': 1,
    };
  }

  loss({ cause, direction, isReport, count, start, end }: Loss): LossRecord {
    return {
      ...this.#envelope(this.#now(), { start, end }),
      'event.kind': 'metric',
      'event.action': 'podwall-loss',
      'podwall.loss.cause': cause,
      'podwall.loss.count': count,
      'podwall.loss.scope': {
        ...(direction === undefined ? {} : { direction }),
        ...(isReport === true ? {} : { verdict: 'deny' }),
      },
    };
  }

  #envelope(time: number, { start, end }: Pick<PacketSum, 'start' | 'end'>) {
    this.#sequence += 1;
    const { node, clusterUid, version, bootId } = this.#writer;
    return {
      schema_version: schemaVersion,
      '@timestamp': timestamp(time),
      'event.id': ulid(this.#now()),
      'event.sequence': this.#sequence,
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

type Fields<E extends string> = Pick<EventRecord, Extract<keyof EventRecord, `${E}.${string}`>>;

function endFields<E extends 'source' | 'destination'>(
  end: E,
  of: PacketEndpoint,
  identity: ContentId | undefined,
): Fields<E> {
  const { address, port, pod, namedPort } = of;
  const fields = {
    address,
    port,
    'k8s.namespace.name': pod?.ref.namespace,
    'k8s.pod.name': pod?.ref.name,
    'k8s.pod.uid': pod?.uid,
    'k8s.workload.kind': pod?.workload?.kind,
    'k8s.workload.name': pod?.workload?.name,
    'podwall.class': of.class,
    'podwall.named_port': namedPort,
    'podwall.identity': identity,
  };
  const known: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) known[`${end}.${name}`] = value;
  return known as Fields<E>;
}

const transports: Readonly<Record<number, string>> = {
  [ipProtocols.icmp]: 'icmp',
  [ipProtocols.tcp]: 'tcp',
  [ipProtocols.udp]: 'udp',
  [ipProtocols.icmpv6]: 'ipv6-icmp',
  [ipProtocols.sctp]: 'sctp',
};

const tcpFlagBits = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];
const flagNames = (flags: number): string => tcpFlagBits.filter((_, bit) => (flags & (1 << bit)) !== 0).join(',');

const communityOf = ({ packet, source, destination }: LoggedPacket): string => {
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

/** RFC 3339 with the microseconds that the kernel tells. */
function timestamp(time: number): string {
  const micros = Math.floor((time - Math.floor(time)) * 1000);
  return new Date(Math.floor(time)).toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 48 bits of time and 80 of chance in Crockford's base 32 (github.com/ulid/spec). */
function ulid(time: number): string {
  let text = '';
  for (let rest = Math.floor(time), digit = 0; digit < 10; rest = Math.floor(rest / 32), digit += 1)
    text = (alphabet[rest % 32] ?? '') + text;
  for (const byte of randomBytes(16)) text += alphabet[byte % 32] ?? '';
  return text;
}
