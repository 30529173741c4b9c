/**
 * Attributes a logged packet to its endpoints and to the policies that gave its verdict:
 *
 *   prefix     -> the chain that logged it -> reason, direction, isolating policies
 *   addresses  -> the pods that had them when the packet arrived
 *   device     -> for guards, the pod behind it: the packet's own address is forged and would blame another pod
 */
import { LRUCache } from 'lru-cache';
import type { Attachment } from '../../model/attachment.js';
import type { ClusterChange } from '../../model/cluster.js';
import type { Observation } from '../../model/observation.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { LogPrefix } from '../../program/logged-chain.js';
import type { ProgramChange } from '../../program/types.js';
import { AddressIdentities, type AddressSources } from './address-identities.js';
import { deviceDenial } from './device-denials.js';
import { DevicePods } from './device-pods.js';
import { endpointsOf } from './flow-endpoints.js';
import type { LoggedPacket, PacketSender } from './logged-packet.js';
import { PolicyHistory, type DecisionNames } from './policy-history.js';
import { policyVerdict } from './policy-verdicts.js';
import { skeletonDenial } from './skeleton-denials.js';

/** Prefixes whose meaning is kept: few rules log most packets. */
const keptPrefixes = 1024;

interface AttributionOptions extends AddressSources {
  readonly names: DecisionNames;
  /** `dry-run`: the whole agent is in a dry run, and drops nothing. */
  readonly mode?: PolicyMode;
  /** Undefined for the prefix of a rule that is not ours. */
  readonly parsePrefix: (text: string) => LogPrefix | undefined;
}

/** All times are milliseconds since the epoch. */
export class Attribution {
  readonly #parsePrefix: AttributionOptions['parsePrefix'];
  readonly #prefixes = new LRUCache<string, LogPrefix>({ max: keptPrefixes });
  readonly #mode: PolicyMode;
  readonly #history: PolicyHistory;
  readonly #identities: AddressIdentities;
  readonly #devices = new DevicePods();

  constructor({ names, mode = 'enforce', parsePrefix, ...sources }: AttributionOptions) {
    this.#identities = new AddressIdentities(sources);
    this.#parsePrefix = parsePrefix;
    this.#mode = mode;
    this.#history = new PolicyHistory(names);
  }

  /** Changes of the cluster, and what they will change in the kernel. */
  changesCompiled(
    changes: readonly ClusterChange[],
    program: Pick<ProgramChange, 'endpoints' | 'ruleLists'>,
    time: number,
  ): void {
    this.#identities.apply(changes, time);
    this.#devices.changesCompiled(changes, time);
    this.#history.changesCompiled(program, time);
  }

  /** The same changes are in the kernel. */
  changesApplied(changes: readonly ClusterChange[], endpoints: ProgramChange['endpoints'], time: number): void {
    this.#history.changesApplied(changes, endpoints, time);
  }

  /** The pods whose devices are known at `time`. */
  podsAttached(attachments: readonly Attachment[], time: number): void {
    this.#devices.podsAttached(attachments, time);
  }

  /** Undefined for a packet that no rule of ours logged. */
  attribute(packet: Observation): LoggedPacket | undefined {
    const prefix = this.#prefixOf(packet.prefix);
    if (prefix === undefined) return undefined;
    const { chain, meaning, orientation } = prefix;
    const [source, destination] = endpointsOf(packet, orientation, this.#identities);
    // Of what is on its way to a pod, only the address says who sent it.
    const device = meaning?.kind === 'guard' ? meaning.device : packet.device;
    const sender = this.#senderOf(packet, meaning?.kind === 'egress-guard' ? undefined : device);
    const located = { packet, sender, chain, source, destination };
    switch (meaning?.kind) {
      case 'guard':
      case 'egress-guard': {
        const pod = this.#devices.podBehind(meaning.device, packet.time);
        return deviceDenial(located, { guard: meaning.kind, pod, mode: this.#mode });
      }
      case 'skeleton-deny':
        return skeletonDenial(located, { drop: meaning.reason, mode: this.#mode, history: this.#history });
      default:
        return policyVerdict(located, meaning, this.#history);
    }
  }

  #senderOf({ source: address, time }: Observation, device: string | undefined): PacketSender {
    const pod = device === undefined ? undefined : this.#devices.podBehind(device, time);
    return pod === undefined ? { address, ...this.#identities.at(address, time) } : { address, class: 'pod', pod };
  }

  #prefixOf(text: string): LogPrefix | undefined {
    const known = this.#prefixes.get(text);
    if (known !== undefined) return known;
    const prefix = this.#parsePrefix(text);
    if (prefix !== undefined) this.#prefixes.set(text, prefix);
    return prefix;
  }
}
