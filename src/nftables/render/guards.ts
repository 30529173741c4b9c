import type { Address } from '../../model/address.js';
import { families, type Family } from '../../model/address.js';
import type { PolicyMode } from '../../model/policy-mode.js';
import type { Attachment } from '../../model/attachment.js';
import { objectKey } from '../../model/pod.js';
import { emptySet } from '../language/empty-set.js';
import type { AuditRules } from './log-rules.js';
import { isPlainName } from '../language/command-text.js';
import { accept, anyOf, drop, headerField, jump, match, packetAddress } from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { Chain, NftSet, Ruleset } from '../language/types.js';
import { chains } from '../names/chains.js';
import { bridgeGuardChain, multicastChain, multicastFromLinkLocal, multicastSets } from './bridge-guards.js';
import { dropped, hookOn, logged, logRules, metaProtocol, own, ownAddress, rule } from './guard-parts.js';
import {
  arpClaims,
  linkLocalSets,
  neighbourChains,
  neighbourClaims,
  neighbourClaimsChain,
} from './neighbour-claims.js';
import { nodeAddressSet, ownAddressChain, ownAddressChains, tunnelPortSet } from './own-address-chains.js';

/** Tunnels that end on nodes and ask for no key. */
export interface Tunnels {
  /** UDP ports of those that this node ends. */
  readonly ports: ReadonlySet<number>;
  /** Addresses of all nodes, which another set has when they change; this one's are known to the kernel. */
  readonly nodes: ReadonlySet<Address>;
  /** Namespaces whose pods may use them. */
  readonly allowedNamespaces: ReadonlySet<string>;
}

/** Pods that a policy isolates, by `namespace/name`. */
interface IsolatedPods {
  readonly ingress: ReadonlySet<string>;
  readonly egress: ReadonlySet<string>;
}

export interface GuardOptions {
  /** Namespaces whose pods may send with any source: their veths get no guard. */
  readonly sourceGuardOffNamespaces: ReadonlySet<string>;
  /** Absent: no port is known, and no node but this one. */
  readonly tunnels?: Tunnels;
  /** Absent: every pod is isolated. */
  readonly isolated?: IsolatedPods;
  /** What a pod may not send is logged. */
  readonly audit?: AuditRules;
  /** `dry-run`: nothing is dropped. */
  readonly mode?: PolicyMode;
}

const countersOf = ({ audit, mode = 'enforce' }: GuardOptions): readonly string[] =>
  audit === undefined ? [] : (['guard', 'bridge'] as const).flatMap((at) => [dropped(at, mode), logged(at, mode)]);

/**
 * `table netdev podwall`: one chain per pod veth that binds the pod's addresses to that device, and for a bridged pod
 * one more for what reaches it. The chain's name carries the device, since nft's JSON listing leaves it out.
 *
 *   guard-DEVICE --own address--> own-ipv4, own-ipv6          accept, or return: denied
 *                --ICMPv6-------> claims-DEVICE --> neighbour-messages
 *   to-DEVICE    --to many------> multicast
 */
export function renderGuards(found: readonly Attachment[], options: GuardOptions): Ruleset {
  const attachments = onePerDevice(found);
  const guarded = attachments.filter(({ pod }) => !options.sourceGuardOffNamespaces.has(pod.namespace));
  const bridged = attachments.filter(({ kind }) => kind === 'bridged');
  // A set of bits has no form in JSON, which a name that text cannot carry would need.
  const learns = attachments.every(({ device }) => isPlainName(device));
  const isOpenTo = direction(options);
  const ofPods = attachments.map((one) => chainsOf(one, options, learns));
  const all = [
    ...sharedChains(guarded, bridged, options),
    ...ofPods.flatMap(({ claims }) => claims ?? []),
    ...ofPods.flatMap(({ guard }) => guard ?? []),
    ...ofPods.flatMap(({ bridge }) => bridge ?? []),
  ];
  const sets = [
    ...(guarded.length === 0 ? [] : tunnelSets(options.tunnels)),
    ...(guarded.length === 0 || !learns ? [] : linkLocalSets(guarded)),
    ...(bridged.length === 0 ? [] : multicastSets(bridged.filter((one) => isOpenTo('egress', one)))),
  ];
  return {
    family: 'netdev',
    table: 'podwall',
    title: 'Podwall: the addresses that each pod of this node has on its own device',
    counters: new Set(countersOf(options)),
    sets: new Map(sets.map((set) => [set.name, set])),
    chains: new Map(all.map((chain) => [chain.name, chain])),
  };
}

/** While an address passes from an old pod to a new one, both may be found on one veth: it may then send as either. */
function onePerDevice(attachments: readonly Attachment[]): readonly Attachment[] {
  const devices = new Map<string, Attachment>();
  for (const attachment of attachments) {
    const other = devices.get(attachment.device);
    const addresses = [...new Set([...(other?.addresses ?? []), ...attachment.addresses])];
    devices.set(attachment.device, other === undefined ? attachment : { ...attachment, addresses });
  }
  return [...devices.values()];
}

/** Whether no policy isolates a pod in a direction. */
const direction =
  ({ isolated }: GuardOptions) =>
  (way: keyof IsolatedPods, { pod }: Attachment): boolean =>
    isolated !== undefined && !isolated[way].has(objectKey(pod));

/** Absent where there is none: no guard in a namespace that opted out, none towards a pod that is not on a bridge. */
interface PodChains {
  readonly claims?: Chain;
  readonly guard?: Chain;
  readonly bridge?: Chain;
}

/** A policy changes those of few pods: the others are the same objects, which nobody compares. By pod and what else they depend on. */
const rendered = new WeakMap<Attachment, Map<string, PodChains>>();

function chainsOf(one: Attachment, options: GuardOptions, learns: boolean): PodChains {
  const { audit, mode } = options;
  const isGuarded = !options.sourceGuardOffNamespaces.has(one.pod.namespace);
  const isOpen = direction(options);
  const [ingress, egress] = [isOpen('ingress', one), isOpen('egress', one)];
  const key = JSON.stringify([isGuarded, learns, ingress, egress, mayTunnel(options, one), audit, mode]);
  const known = rendered.get(one) ?? new Map<string, PodChains>();
  rendered.set(one, known);
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = {
    ...(isGuarded ? { claims: neighbourClaimsChain(one, learns), guard: guardChain(one, options) } : {}),
    ...(one.kind === 'bridged' ? { bridge: bridgeGuardChain(one, { ...options, isOpen: ingress }) } : {}),
  };
  known.set(key, made);
  return made;
}

const mayTunnel = ({ tunnels }: GuardOptions, { pod }: Attachment): boolean =>
  tunnels?.allowedNamespaces.has(pod.namespace) === true;

function sharedChains(
  guarded: readonly Attachment[],
  bridged: readonly Attachment[],
  options: GuardOptions,
): readonly Chain[] {
  const kinds = new Set(guarded.map((one) => mayTunnel(options, one)));
  return [
    ...(guarded.length === 0 ? [] : neighbourChains()),
    ...[...kinds].sort().flatMap(ownAddressChains),
    ...(bridged.length === 0 ? [] : [multicastChain()]),
  ];
}

type ByFamily = Readonly<Record<Family, ReadonlyMap<string, string>>>;
const noNodes: ReadonlySet<Address> = new Set();
/** The same of the same nodes, of which there may be thousands. */
const elementsOfNodes = new WeakMap<ReadonlySet<Address>, ByFamily>();

function nodeElements(nodes: ReadonlySet<Address>): ByFamily {
  const of = (family: Family): ReadonlyMap<string, string> =>
    new Map(own([...nodes], family).map((address) => [address, '']));
  const elements = elementsOfNodes.get(nodes) ?? { IPv4: of('IPv4'), IPv6: of('IPv6') };
  elementsOfNodes.set(nodes, elements);
  return elements;
}

const tunnelSets = (tunnels: Tunnels | undefined): NftSet[] => [
  {
    ...emptySet(tunnelPortSet, ['inet_service']),
    title: 'UDP ports of tunnels that this node ends',
    elements: new Map([...(tunnels?.ports ?? [])].map((port) => [String(port), ''])),
  },
  ...families.map((family) => ({
    ...emptySet(nodeAddressSet(family), [addressType(family)]),
    title: 'addresses of nodes',
    elements: nodeElements(tunnels?.nodes ?? noNodes)[family],
  })),
];

/** What the pod may send: nothing that does not carry its own addresses. */
function guardChain(attachment: Attachment, options: GuardOptions): Chain {
  const { pod, device, addresses } = attachment;
  const name = chains.nameOf({ kind: 'guard', device });
  const denied = { chain: name, at: 'guard', ...options } as const;
  const tunnels = mayTunnel(options, attachment);
  const isOpen = attachment.kind === 'bridged' && direction(options)('egress', attachment);
  const rules = [
    // First: the kernel has already taken a VLAN 0 tag off, so an address rule would match a tagged frame.
    rule(
      [anyOf(headerField('ether', 'type'), ['ip', 'arp', 'ip6'], '!='), options.mode === 'dry-run' ? accept : drop],
      `${objectKey(pod)}: IP and ARP only`,
    ),
    ...families.flatMap((family) =>
      own(addresses, family).map((address) =>
        rule(
          [match(packetAddress(family, 'saddr'), address), jump(ownAddressChain(family, tunnels))],
          ownAddress(attachment),
        ),
      ),
    ),
    ...arpClaims(attachment),
    // No policy knows a link-local address: little more than neighbour discovery may use one.
    ...neighbourClaims(attachment),
    ...(isOpen ? multicastFromLinkLocal(attachment, ownAddressChain('IPv6', tunnels)) : []),
    ...logRules(denied, anyOf(metaProtocol, ['ip', 'ip6'])),
  ];
  return { name, title: `${objectKey(pod)}: what it may send`, hook: hookOn(device, 'ingress', options.mode), rules };
}
