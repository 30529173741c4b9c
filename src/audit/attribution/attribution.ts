/**
 * From a packet that was logged to who, whom, and which policies:
 *
 *   prefix     -> the chain it ended in -> reason, direction, isolating policies
 *   addresses  -> the pods that had them when the packet came by
 *   device     -> the pod behind it, for the source guard: its address is forged and would blame the victim
 */
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Attachment } from '../../model/attachment.js';
import type { ClusterChange } from '../../model/cluster.js';
import type { Observation } from '../../model/observation.js';
import { policyKey, type Direction, type PolicyRef } from '../../model/policy.js';
import type { LoggedChain, SkeletonDrop } from '../../program/logged-chain.js';
import type { ProgramChange } from '../../program/types.js';
import { podKeyOf, type PacketEndpoint, type LoggedPacket } from './logged-packet.js';
import { DevicePods } from './device-pods.js';
import { endpointsOf, type Orientation } from './flow-endpoints.js';
import { AddressIdentities } from './address-identities.js';
import { PolicyHistory, type DecisionNames, type IsolatingPolicies } from './policy-history.js';
import type { RecordReason, RecordVerdict, TraceStep } from '../record.js';

/** What a log rule says of a packet. */
export interface LogPrefix {
  readonly chain: string;
  /** Undefined for a chain of an agent that is not known yet. */
  readonly meaning: LoggedChain | undefined;
  readonly orientation: Orientation;
}

export interface AttributionOptions {
  readonly names: DecisionNames;
  /** `audit`: the whole agent is in a dry run, and drops nothing. */
  readonly mode?: PolicyMode;
  /** Undefined for what is not ours. */
  readonly parsePrefix: (text: string) => LogPrefix | undefined;
}

const reasonOf: Readonly<Record<SkeletonDrop, RecordReason>> = {
  'mid-stream': 'mid-stream',
  'midstream-full': 'mid-stream',
  untracked: 'invalid-packet',
  invalid: 'invalid-packet',
  'icmp-error': 'icmp-error',
  'unknown-pod': 'unknown-pod',
  'unknown-pod-packet': 'unknown-pod',
};

type PolicyChain = Extract<LoggedChain, { readonly direction: Direction }>;

type Told = Pick<LoggedPacket, 'packet' | 'chain' | 'source' | 'destination'>;

export class Attribution {
  readonly #options: AttributionOptions;
  readonly #chains: PolicyHistory;
  readonly #identities = new AddressIdentities();
  readonly #devices = new DevicePods();

  readonly #mode: PolicyMode;

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.#mode = options.mode ?? 'enforce';
    this.#chains = new PolicyHistory(options.names);
  }

  /** Changes that were noticed, and what they will change in the kernel. All times are milliseconds since 1970. */
  changesCompiled(
    changes: readonly ClusterChange[],
    program: Pick<ProgramChange, 'endpoints' | 'ruleLists'>,
    time: number,
  ): void {
    this.#identities.apply(changes, time);
    this.#devices.changesCompiled(changes, time);
    this.#chains.changesCompiled(program, time);
  }

  /** The same changes are in the kernel. */
  changesApplied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    this.#chains.changesApplied(changes, endpoints, time);
  }

  /** Which pod hangs on which device, as far as it is known now. */
  podsAttached(attachments: readonly Attachment[], time: number): void {
    this.#devices.podsAttached(attachments, time);
  }

  /** Undefined for a packet that no rule of ours logged. */
  attribute(packet: Observation): LoggedPacket | undefined {
    const prefix = this.#options.parsePrefix(packet.prefix);
    if (prefix === undefined) return undefined;
    const { chain, meaning, orientation } = prefix;
    const [source, destination] = endpointsOf(packet, orientation, this.#identities);
    const told = { packet, chain, source, destination };
    switch (meaning?.kind) {
      case 'guard':
        return this.#deviceDenial(told, 'source', meaning.device);
      case 'egress-guard':
        return this.#deviceDenial(told, 'destination', meaning.device);
      case 'skeleton-deny':
        return this.#skeletonDenial(told, meaning.reason);
      default:
        return this.#policyVerdict(told, meaning);
    }
  }

  /** By policies: what is enforced, or what a dry run would do. */
  #policyVerdict({ packet, chain, source, destination }: Told, meaning: PolicyChain | undefined): LoggedPacket {
    const { time } = packet;
    const decision = this.#chains.decisionOf(chain, time);
    // A chain that nobody remembers, of an agent before this one, says at least its direction, verdict and mode.
    const { verdict = verdictOf(meaning), mode = modeOf(meaning), rule } = decision ?? {};
    const direction = decision?.direction ?? meaning?.direction ?? this.#directionOf(source, time);
    const own = podKeyOf(direction === 'ingress' ? destination : source);
    const isolating =
      rule === undefined || own === undefined
        ? (decision?.isolating ?? [])
        : this.#chains.isolationAllowing(own, { policy: rule.policy, direction }, time);
    return {
      packet,
      chain,
      verdict,
      mode,
      reason: this.#reasonOf(verdict, rule !== undefined || decision === undefined, { isolating, time }),
      direction,
      source,
      destination,
      isolating,
      ...(rule === undefined ? {} : { rule }),
      trace: [
        ...isolating
          .filter((ref) => rule === undefined || policyKey(ref) !== policyKey(rule.policy))
          .map((ref) => this.#step(ref, null, time)),
        ...(rule === undefined ? [] : [this.#step(rule.policy, { index: rule.index }, time)]),
      ],
    };
  }

  /** By rules that are the same on every node. */
  #skeletonDenial({ packet, chain, source, destination }: Told, drop: SkeletonDrop): LoggedPacket {
    const { time } = packet;
    const judged = this.#judgedBy(drop, { source, destination, time });
    const isolating = judged?.by ?? [];
    return {
      packet,
      chain,
      verdict: 'deny',
      mode: this.#mode,
      reason: reasonOf[drop],
      direction: judged?.direction ?? this.#directionOf(source, time),
      source,
      destination,
      isolating,
      trace: isolating.map((ref) => this.#step(ref, null, time)),
    };
  }

  /** At a pod's own device: the address of its end is forged, or many were meant, so the pod is the one behind it. */
  #deviceDenial(told: Told, own: 'source' | 'destination', device: string): LoggedPacket {
    const { address, port } = told[own];
    const pod = this.#devices.podBehind(device, told.packet.time);
    const end = { address, ...(port === undefined ? {} : { port }) };
    return {
      ...told,
      verdict: 'deny',
      mode: this.#mode,
      ...(own === 'source'
        ? { reason: 'source-guard', direction: 'egress' }
        : { reason: 'base', direction: 'ingress' }),
      [own]: pod === undefined ? { ...end, class: 'unknown' } : { ...end, class: 'pod', pod },
      isolating: [],
      trace: [],
    };
  }

  /** A policy that fails closed allows nothing: mending it may allow the packet. */
  #reasonOf(
    verdict: RecordVerdict,
    byRule: boolean,
    { isolating, time }: { readonly isolating: readonly PolicyRef[]; readonly time: number },
  ): RecordReason {
    if (verdict === 'allow') return byRule ? 'rule' : 'not-isolated';
    const isBroken = (ref: PolicyRef): boolean => this.#chains.policyAt(policyKey(ref), time)?.kind === 'broken';
    return isolating.some(isBroken) ? 'invalid-policy' : 'default-deny';
  }

  #step(ref: PolicyRef, rule: TraceStep['rule'], time: number): TraceStep {
    const { kind, namespace, name } = ref;
    const generation = this.#chains.policyAt(policyKey(ref), time)?.generation;
    return {
      tier: 'NetworkPolicy',
      kind,
      namespace,
      name,
      ...(generation === undefined ? {} : { generation }),
      rule,
      action: rule === null ? 'NoMatch' : 'Accept',
    };
  }

  /** Whose isolation was the reason, where the chain does not say: as the rules of the chain ask, in their order. */
  #judgedBy(
    drop: SkeletonDrop,
    {
      source,
      destination,
      time,
    }: { readonly source: PacketEndpoint; readonly destination: PacketEndpoint; readonly time: number },
  ): IsolatingPolicies | undefined {
    const [sender, receiver] = [podKeyOf(source), podKeyOf(destination)];
    const isolation = (key: string | undefined, direction: Direction): IsolatingPolicies | undefined =>
      key === undefined ? undefined : this.#chains.isolationOf(key, direction, time);
    switch (drop) {
      case 'mid-stream':
      case 'midstream-full':
        // Who is the client is not known: the sender as the server, then the receiver as the client.
        return isolation(sender, 'ingress') ?? isolation(receiver, 'egress');
      case 'untracked':
      case 'invalid':
        return (
          isolation(receiver, 'ingress') ??
          isolation(sender, 'egress') ??
          isolation(receiver, 'egress') ??
          isolation(sender, 'ingress')
        );
      case 'icmp-error':
      case 'unknown-pod':
      case 'unknown-pod-packet':
        return undefined;
    }
  }

  #directionOf(source: PacketEndpoint, time: number): Direction {
    const key = podKeyOf(source);
    return key !== undefined && this.#chains.isLocal(key, time) ? 'egress' : 'ingress';
  }
}

const modeOf = (meaning: PolicyChain | undefined): PolicyMode =>
  meaning?.kind === 'dry-run-allow' || meaning?.kind === 'dry-run-deny' ? 'dry-run' : 'enforce';
const verdictOf = (meaning: PolicyChain | undefined): RecordVerdict =>
  meaning === undefined || meaning.kind === 'deny' || meaning.kind === 'dry-run-deny' ? 'deny' : 'allow';
