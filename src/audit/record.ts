/**
 * One line of the audit log, schema version 2 (record.schema.json): flat dotted keys. Names are OpenTelemetry's where it
 * has one, the Elastic Common Schema's where it has none, and `podwall.` otherwise.
 */
import type { PolicyMode } from '../model/policy-mode.js';
import type { Direction } from '../model/policy.js';

export const schemaVersion = 2;

export type RecordVerdict = 'allow' | 'deny';

/** Why a packet met its verdict. */
export const reasons = [
  'default-deny',
  'rule',
  'not-isolated',
  'exempt',
  'invalid-policy',
  'unknown-pod',
  'source-guard',
  'mid-stream',
  'untracked',
  'invalid-packet',
  'icmp-error',
  'neighbour-discovery',
  'base',
  'admin-deny',
  'baseline-deny',
] as const;
export type RecordReason = (typeof reasons)[number];

/** Where records were lost; `agent-down`: denied while no agent read the queue. */
export const lossCauses = ['kernel-queue', 'rate-limit', 'agg-map-full', 'writer', 'rotation', 'agent-down'] as const;
export type LossCause = (typeof lossCauses)[number];

export const tiers = ['Admin', 'NetworkPolicy', 'Baseline'] as const;
type Tier = (typeof tiers)[number];

export const endpointClasses = ['pod', 'node', 'service', 'external', 'unknown'] as const;
export type EndpointClass = (typeof endpointClasses)[number];

/** What one policy said about the packet, in the order of evaluation; `rule` is null where none of its rules matched. */
export interface TraceStep {
  readonly tier: Tier;
  readonly kind: 'NetworkPolicy' | 'ClusterNetworkPolicy';
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly rule: { readonly index: number; readonly name?: string } | null;
  readonly action: 'Accept' | 'Deny' | 'Pass' | 'NoMatch';
}

/** What every line carries. */
interface Envelope {
  readonly schema_version: typeof schemaVersion;
  /** RFC 3339 in UTC, to the nanosecond where the kernel says so. Of an event: when the packet arrived. */
  readonly '@timestamp': string;
  /** Unique, and sorts by time (ULID). */
  readonly 'event.id': string;
  /** Counts every line that one run of the agent wrote, from 1, without gaps; scans are counted for themselves. */
  readonly 'event.sequence': number;
  /** One run of the agent. */
  readonly 'podwall.boot_id': string;
  /** First and last packet that the line covers. */
  readonly 'event.start': string;
  readonly 'event.end': string;
  readonly 'event.category': readonly ['network'];
  readonly 'k8s.node.name': string;
  /** Uid of the namespace kube-system; absent where the agent reads manifests. */
  readonly 'k8s.cluster.uid'?: string;
  readonly 'observer.name': 'podwall';
  readonly 'observer.version': string;
}

export const endpointRoles = ['source', 'destination'] as const;
export type EndpointRole = (typeof endpointRoles)[number];

/** An endpoint of the flow, as it was when the packet arrived; unknown values are absent, never guessed. */
interface EndpointFields {
  readonly address: string;
  readonly port?: number;
  readonly 'k8s.namespace.name'?: string;
  readonly 'k8s.pod.name'?: string;
  readonly 'k8s.pod.uid'?: string;
  readonly 'k8s.workload.kind'?: string;
  readonly 'k8s.workload.name'?: string;
  readonly 'podwall.class': EndpointClass;
  readonly 'podwall.named_port'?: string;
  /** `sha256:…` of the saved identity: labels, namespace labels, named ports, addresses. */
  readonly 'podwall.identity'?: string;
}
type FieldsOf<E extends EndpointRole> = { [K in keyof EndpointFields as `${E}.${K}`]: EndpointFields[K] };

/** Source and destination are the flow's (its first packet's), whichever way the packet itself went. */
export interface EventRecord extends Envelope, Disposition, FieldsOf<'source'>, FieldsOf<'destination'> {
  readonly 'event.kind': 'event';
  readonly 'event.action': 'network-policy-verdict';
  readonly 'podwall.reason': RecordReason;
  /** The direction whose policies gave the verdict, seen from the pod. */
  readonly 'network.direction': Direction;
  /** tcp, udp, sctp, icmp, ipv6-icmp, or the IANA number. */
  readonly 'network.transport': string;
  readonly 'network.type': 'ipv4' | 'ipv6';
  readonly 'network.community_id'?: string;
  readonly 'network.bytes'?: number;
  /** Of TCP, of the first packet, for example `SYN` or `ACK,PSH`. */
  readonly 'podwall.tcp_flags'?: string;
  readonly 'podwall.icmp.type'?: number;
  readonly 'podwall.icmp.code'?: number;
  /** Where the packet came in; for the source guard it names the pod, since the address is forged. */
  readonly 'observer.ingress.interface.name'?: string;
  readonly 'podwall.trace': readonly TraceStep[];
  /** `namespace/name` of the policy that decided; of a default deny, the first that isolates. */
  readonly 'security_rule.ruleset.name'?: string;
  /** `ingress[0]`, the deciding rule in that policy; null for a default deny. */
  readonly 'security_rule.name'?: string | null;
  /** Every policy that isolates the pod in this direction, `namespace/name`. */
  readonly 'podwall.policies.isolating': readonly string[];
  /** `sha256:…` of the saved policy set that was in force. */
  readonly 'podwall.snapshot'?: string;
  /** Packets; a first packet counts 1, the sum of its repeats the rest. */
  readonly 'podwall.count': number;
  /** Each counted packet represents this many. */
  readonly 'podwall.sampled': number;
}

export interface LossRecord extends Envelope {
  readonly 'event.kind': 'metric';
  readonly 'event.action': 'podwall-loss';
  readonly 'podwall.loss.cause': LossCause;
  /** Packets without a record. */
  readonly 'podwall.loss.count': number;
  /** What the lost ones had in common, as far as known; `sender`: `namespace/pod`, or an address. */
  readonly 'podwall.loss.scope': {
    readonly direction?: Direction;
    readonly verdict?: RecordVerdict;
    readonly sender?: string;
  };
}

/** An endpoint that a scan reached for, as its first packets did. */
interface ScannedEndpoint {
  readonly address: string;
  readonly port?: number;
  readonly transport: string;
}

/**
 * Packets of a sender that was past its share of records, summed: those that the same policies decided in one direction.
 * The source is the sender; such records are in a file of their own, and numbered for themselves.
 */
export interface ScanRecord extends Envelope, Disposition, FieldsOf<'source'> {
  readonly 'event.kind': 'metric';
  readonly 'event.action': 'podwall-scan';
  readonly 'podwall.reason': RecordReason;
  readonly 'network.direction': Direction;
  readonly 'network.bytes': number;
  /** Every policy that isolates, `namespace/name`; empty also where there was no room to tell policies apart. */
  readonly 'podwall.policies.isolating': readonly string[];
  /** In force at the first packet. */
  readonly 'podwall.snapshot'?: string;
  /** Packets. */
  readonly 'podwall.count': number;
  /** Above 1 where there was no room to tell senders apart; then the source is that of the first packet. */
  readonly 'podwall.scan.senders': number;
  /** Different addresses that were sent from and to, and ports that were sent to; beyond 64 within some percent. */
  readonly 'podwall.scan.sources': number;
  readonly 'podwall.scan.addresses': number;
  readonly 'podwall.scan.ports': number;
  /** The first few. */
  readonly 'podwall.scan.first': readonly ScannedEndpoint[];
}

export type AuditRecord = EventRecord | LossRecord | ScanRecord;

export const isScan = (record: AuditRecord): record is ScanRecord => record['event.action'] === 'podwall-scan';

/** The verdict on the packets of one flow. */
export const isEvent = (record: AuditRecord): record is EventRecord => !isLoss(record) && !isScan(record);

export const isLoss = (record: AuditRecord): record is LossRecord => record['event.action'] === 'podwall-loss';

/** The verdict, and what became of the packet. */
interface Disposition {
  readonly 'podwall.verdict': RecordVerdict;
  /** `dry-run`: the verdict is what would have been, and the packet met the opposite. */
  readonly 'podwall.mode': PolicyMode;
  readonly 'event.type': readonly ['connection', 'allowed' | 'denied'];
  readonly 'event.outcome': 'success' | 'failure';
}

/** A dry run records what would have been: its packet met the opposite. */
export function dispositionOf(verdict: RecordVerdict, mode: PolicyMode): Disposition {
  const passed = (verdict === 'allow') === (mode === 'enforce');
  return {
    'podwall.verdict': verdict,
    'podwall.mode': mode,
    'event.type': ['connection', passed ? 'allowed' : 'denied'],
    'event.outcome': passed ? 'success' : 'failure',
  };
}

// JSON escapes the ASCII controls. These too end a line, or move the cursor or the reading order, of who prints them.
const unsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line of JSON, its end included; no name, however hostile, ends the line or reaches a terminal's controls. */
export const recordLine = (record: AuditRecord): string =>
  `${JSON.stringify(record).replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
