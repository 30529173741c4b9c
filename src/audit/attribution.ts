/**
 * From a packet that was denied to who, whom, and which policies:
 *
 *   prefix     -> the chain it ended in -> reason, direction, isolating policies
 *   addresses  -> the pods that had them when the packet came by
 *   device     -> the pod behind it, for the source guard: its address is forged and would blame the victim
 */
import type { Attachment } from '../model/attachment.js';
import type { ClusterChange } from '../model/cluster.js';
import { ipProtocols, type Observation } from '../model/observation.js';
import { objectKey, type Pod } from '../model/pod.js';
import { policyKey, type Direction, type PolicyRef } from '../model/policy.js';
import type { ProgramChange } from '../program/types.js';
import { Identities, type Identity } from './identities.js';
import { PolicyChains, type ChainName, type Isolating } from './policy-chains.js';
import type { RecordReason, TraceStep } from './record.js';
import { Timeline } from './timeline.js';

/** What a log rule says of a packet. */
export interface LogPrefix {
  readonly chain: string;
  /** `reply`: source and destination of the packet are the flow's, swapped. */
  readonly orientation: 'original' | 'reply' | 'packet';
}

export interface End extends Identity {
  readonly address: Observation['source'];
  readonly port?: number;
  readonly namedPort?: string;
}

/** A denied packet with everything that can be told about it. */
export interface Denial {
  readonly packet: Observation;
  readonly chain: string;
  readonly reason: RecordReason;
  readonly direction: Direction;
  readonly source: End;
  readonly destination: End;
  /** Every policy that isolates the judged pod; none where no policy has a say. */
  readonly isolating: readonly PolicyRef[];
  readonly trace: readonly TraceStep[];
}

export interface AttributionOptions {
  readonly chainName: ChainName;
  /** Undefined for what is not ours. */
  readonly parsePrefix: (text: string) => LogPrefix | undefined;
}

/** Denials that are no single policy's, by their chain. */
const reasonOfChain: Readonly<Record<string, RecordReason>> = {
  'deny-mid-stream': 'mid-stream',
  'deny-picked-full': 'mid-stream',
  'deny-no-entry': 'invalid-packet',
  'deny-error': 'icmp-error',
  'deny-unknown-pod': 'unknown-pod',
  'deny-unknown-pod-packet': 'unknown-pod',
};
const guardPrefix = 'guard-';

/** Milliseconds; a device's name is used again when its pod's name is. */
const past = { kept: 10 * 60_000, pastKeys: 4096 };

export class Attribution {
  readonly #options: AttributionOptions;
  readonly #chains: PolicyChains;
  readonly #identities = new Identities();
  readonly #devices = new Timeline<string, string>(past);
  readonly #pods = new Timeline<string, Pod>(past);
  #attached: ReadonlySet<string> = new Set();

  constructor(options: AttributionOptions) {
    this.#options = options;
    this.#chains = new PolicyChains(options.chainName);
  }

  /** Changes that were noticed, and what they will change in the kernel. All times are milliseconds since 1970. */
  noted(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    this.#identities.apply(changes, time);
    for (const change of changes)
      if (change.kind === 'pod') this.#pods.set(objectKey(change.ref), change.pod, time, (a, b) => a.uid === b.uid);
    this.#chains.noted(endpoints, time);
  }

  /** The same changes are in the kernel. */
  applied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    this.#chains.applied(changes, endpoints, time);
  }

  /** Which pod hangs on which device, as far as it is known now. */
  attached(attachments: readonly Attachment[], time: number): void {
    const before = this.#attached;
    this.#attached = new Set(attachments.map(({ device }) => device));
    for (const device of before) if (!this.#attached.has(device)) this.#devices.set(device, undefined, time);
    for (const { device, pod } of attachments) this.#devices.set(device, objectKey(pod), time);
  }

  /** Undefined for a packet that no rule of ours logged. */
  denialOf(packet: Observation): Denial | undefined {
    const prefix = this.#options.parsePrefix(packet.prefix);
    if (prefix === undefined) return undefined;
    const { chain, orientation } = prefix;
    const [source, destination] = this.#endsOf(packet, orientation);
    if (chain.startsWith(guardPrefix)) return this.#guardDenial({ packet, chain, source, destination });
    const { time } = packet;
    const reason = reasonOfChain[chain];
    const judged =
      reason === undefined
        ? this.#chains.meaningOf(chain, time)
        : this.#judgedBy(reason, { source, destination, time });
    const isolating = judged?.by ?? [];
    return {
      packet,
      chain,
      reason: reason ?? this.#defaultDeny(isolating, time),
      direction: judged?.direction ?? directionIn(chain) ?? this.#directionOf(source, time),
      source,
      destination,
      isolating,
      trace: isolating.map((ref) => this.#noMatch(ref, time)),
    };
  }

  #endsOf(packet: Observation, orientation: LogPrefix['orientation']): readonly [source: End, destination: End] {
    const sender = this.#endOf(packet, 'source');
    const receiver = this.#endOf(packet, 'destination');
    const [source, destination] = orientation === 'reply' ? [receiver, sender] : [sender, receiver];
    const namedPort = namedPortOf(destination, packet.protocol);
    return [source, namedPort === undefined ? destination : { ...destination, namedPort }];
  }

  #endOf(packet: Observation, which: 'source' | 'destination'): End {
    const address = packet[which];
    const port = packet.ports?.[which];
    return { address, ...(port === undefined ? {} : { port }), ...this.#identities.at(address, packet.time) };
  }

  #guardDenial({
    packet,
    chain,
    source,
    destination,
  }: Pick<Denial, 'packet' | 'chain' | 'source' | 'destination'>): Denial {
    const { address, port } = source;
    const key = this.#devices.latest(chain.slice(guardPrefix.length), packet.time);
    const pod = key === undefined ? undefined : this.#pods.at(key, packet.time);
    const sender: End = {
      address,
      ...(port === undefined ? {} : { port }),
      class: pod === undefined ? 'unknown' : 'pod',
    };
    return {
      packet,
      chain,
      reason: 'source-guard',
      direction: 'egress',
      source: pod === undefined ? sender : { ...sender, pod },
      destination,
      isolating: [],
      trace: [],
    };
  }

  /** A policy that fails closed allows nothing: mending it may allow the packet. */
  #defaultDeny(isolating: readonly PolicyRef[], time: number): RecordReason {
    const isBroken = (ref: PolicyRef): boolean => this.#chains.policyAt(policyKey(ref), time)?.kind === 'broken';
    return isolating.some(isBroken) ? 'invalid-policy' : 'default-deny';
  }

  #noMatch(ref: PolicyRef, time: number): TraceStep {
    const { kind, namespace, name } = ref;
    const generation = this.#chains.policyAt(policyKey(ref), time)?.generation;
    return {
      tier: 'NetworkPolicy',
      kind,
      namespace,
      name,
      ...(generation === undefined ? {} : { generation }),
      rule: null,
      action: 'NoMatch',
    };
  }

  /** Whose isolation was the reason, where the chain does not say: as the rules of the chain ask, in their order. */
  #judgedBy(
    reason: RecordReason,
    { source, destination, time }: { readonly source: End; readonly destination: End; readonly time: number },
  ): Isolating | undefined {
    const [sender, receiver] = [keyOf(source), keyOf(destination)];
    const isolation = (key: string | undefined, direction: Direction): Isolating | undefined =>
      key === undefined ? undefined : this.#chains.isolationOf(key, direction, time);
    switch (reason) {
      case 'mid-stream':
        // Who is the client is not known: the sender as the server, then the receiver as the client.
        return isolation(sender, 'ingress') ?? isolation(receiver, 'egress');
      case 'invalid-packet':
        return (
          isolation(receiver, 'ingress') ??
          isolation(sender, 'egress') ??
          isolation(receiver, 'egress') ??
          isolation(sender, 'ingress')
        );
      default:
        return undefined;
    }
  }

  #directionOf(source: End, time: number): Direction {
    const key = keyOf(source);
    return key !== undefined && this.#chains.isLocal(key, time) ? 'egress' : 'ingress';
  }
}

const keyOf = ({ pod }: End): string | undefined => (pod === undefined ? undefined : objectKey(pod.ref));

/** A chain that nobody remembers says at least its direction. */
const directionIn = (chain: string): Direction | undefined =>
  chain.startsWith('deny-in-') ? 'ingress' : chain.startsWith('deny-out-') ? 'egress' : undefined;

const protocolNames: Readonly<Record<number, string>> = {
  [ipProtocols.tcp]: 'TCP',
  [ipProtocols.udp]: 'UDP',
  [ipProtocols.sctp]: 'SCTP',
};

const namedPortOf = ({ pod, port }: End, protocol: number): string | undefined =>
  pod?.ports.find((one) => one.port === port && one.protocol === protocolNames[protocol])?.name;
