import { formatCidr, isSingleAddress, type Address } from '../../model/address.js';
import type { Attachment } from '../../model/attachment.js';
import type { LinkBinding } from '../../model/link-binding.js';
import { objectKey } from '../../model/pod.js';
import {
  identityOf,
  LinksBefore,
  sharesAddress,
  type KnownLinks,
  type NamedLink,
  type PodToAttach,
} from './known-links.js';
import { grantLinks, type ClaimSource, type LinkClaim } from './link-claims.js';
import { LinkIndex } from './link-index.js';
import type { Link, LinkReadings, Route } from './link-readings.js';

/** On a bridge that does not say on which port, or says one that is another's: asking the neighbour may. */
interface Silent {
  readonly kind: 'silent';
  readonly address: Address;
  readonly bridge: string;
  readonly reason: string;
  /** Where it is taken to be until it answers. */
  readonly attachment?: Attachment;
}

export type PodLocation =
  | { readonly kind: 'attached'; readonly attachment: Attachment }
  | Silent
  | { readonly kind: 'elsewhere'; readonly reason: string };

/** Where one pod is said to be, before others are asked. */
type Found = { readonly kind: 'found'; readonly link: Link; readonly by: ClaimSource } & LinkDetails;
/** Something better speaks against what was read. */
interface Contested {
  readonly kind: 'contested';
  readonly location: Unattached;
}
type Unattached = Exclude<PodLocation, { readonly kind: 'attached' }>;
type Reading = Found | Contested | Unattached;

interface LinkDetails {
  readonly bridge?: string | undefined;
  readonly hardware?: string | undefined;
  /** The address by which a bridge said it. */
  readonly address?: Address;
}

/**
 * Finds the devices of pods, in their order, by routes, neighbour table and the bridges' forwarding tables. One of a pod's
 * addresses is enough.
 *
 * A bridge learns what pods claim: a pod that sends with another's hardware address is taken for that pod. So CNI's
 * results, the node's own routes and what was known before come first. Who gets a link that was another's, link-claims.ts
 * says.
 */
export function locatePods(
  pods: readonly PodToAttach[],
  readings: LinkReadings,
  knownLinks: KnownLinks = {},
): readonly PodLocation[] {
  const search = new Search(pods, readings, knownLinks);
  const found = pods.map((pod) => search.find(pod));
  const claims = found.flatMap((reading, index) => search.claimOf(pods[index], reading));
  const granted = grantLinks(claims, search.before.owners);
  search.noteClaimed(claims);
  return pods.map((pod, index) =>
    search.locationOf(pod, found[index] ?? nowhere, granted.has(identityOf(pod)) ? 'granted' : 'refused'),
  );
}

const nowhere: Reading = { kind: 'elsewhere', reason: 'the pod has no address' };

class Search {
  readonly before: LinksBefore;
  readonly #index: LinkIndex;
  readonly #named: ReadonlyMap<string, NamedLink>;
  /** Devices that results name, with the uids of those pods. */
  readonly #namedFor = new Map<string, Set<string>>();
  readonly #live: ReadonlySet<string>;
  readonly #claimed = new Set<number>();
  readonly #free = new Map<string | undefined, readonly Link[]>();

  constructor(pods: readonly PodToAttach[], readings: LinkReadings, known: KnownLinks) {
    this.#live = new Set(pods.map(identityOf));
    this.#index = new LinkIndex(readings);
    this.before = new LinksBefore(pods, known, this.#index);
    this.#named = known.named ?? new Map();
    for (const [uid, { device }] of this.#named)
      this.#namedFor.set(device, (this.#namedFor.get(device) ?? new Set()).add(uid));
  }

  find(pod: PodToAttach): Reading {
    const named = this.#namedLink(pod);
    if (named !== undefined) return named;
    const reading = this.#unlessAnothers(pod, this.#read(pod));
    const own = this.before.ownOf(pod);
    const link = this.#index.at(own?.ifindex);
    if (own === undefined || link === undefined) return reading;
    const isItsOwn = sharesAddress(pod, own);
    if (reading.kind === 'contested' && !isItsOwn) return reading;
    if (reading.kind === 'found') {
      const hasLeft = reading.bridge !== undefined && link.master !== reading.bridge;
      if (reading.by === 'route' || hasLeft || !isItsOwn) return reading;
    }
    // Its route may be gone, or its address not have answered: its link is there.
    if (reading.kind !== 'silent' || isItsOwn) return { ...this.#placeAt(pod, link), by: 'record' };
    return { ...reading, attachment: attached(pod, this.#placeAt(pod, link)) };
  }

  /** A pod that is nowhere else stays at its own link, whoever else is found there. */
  claimOf(pod: PodToAttach | undefined, reading: Reading): readonly LinkClaim[] {
    if (pod === undefined) return [];
    const own = this.before.ownOf(pod)?.ifindex;
    const owned = own === undefined ? {} : { own };
    const name = identityOf(pod);
    if (reading.kind === 'found') return [{ pod: name, link: reading.link.ifindex, by: reading.by, ...owned }];
    return own === undefined ? [] : [{ pod: name, link: own, by: 'record', own }];
  }

  noteClaimed(claims: readonly LinkClaim[]): void {
    for (const { link } of claims) this.#claimed.add(link);
  }

  locationOf(pod: PodToAttach, reading: Reading, decision: 'granted' | 'refused'): PodLocation {
    if (reading.kind === 'contested') return reading.location;
    if (reading.kind !== 'found') return reading;
    const isUnsure = this.#mayBeNewer(pod, reading);
    if (decision === 'granted' && !isUnsure) return { kind: 'attached', attachment: attached(pod, reading) };
    const own = this.before.ownOf(pod);
    const link = this.#index.at(own?.ifindex);
    if (own !== undefined && link !== undefined && sharesAddress(pod, own))
      return { kind: 'attached', attachment: attached(pod, this.#placeAt(pod, link)) };
    return notGiven(reading, isUnsure ? 'that of a pod that is gone, and another link is newer' : "another pod's");
  }

  /** Undefined when CNI's result names no link that is here. A Pod may be given another's uid by an annotation, its name it cannot. */
  #namedLink(pod: PodToAttach): Found | undefined {
    const named = this.#named.get(pod.podUid);
    const link = named && this.#index.named(named.device);
    if (named === undefined || link?.kind !== 'veth' || !isNamed(pod, named)) return undefined;
    return { ...this.#placeAt(pod, link, named.hardware), by: 'result' };
  }

  /** What speaks against a reading: a result that names the link for somebody else, a port that has the address already. */
  #unlessAnothers(pod: PodToAttach, reading: Reading): Reading {
    if (reading.kind !== 'found') return reading;
    const others = [...(this.#namedFor.get(reading.link.name) ?? [])].some((uid) => {
      const named = this.#named.get(uid);
      return uid !== pod.podUid || (named !== undefined && !isNamed(pod, named));
    });
    if (others && this.before.ownOf(pod)?.ifindex !== reading.link.ifindex)
      return { kind: 'contested', location: notGiven(reading, "another pod's by CNI's result") };
    const holder = this.before.holderOf(pod);
    if (holder === undefined || holder.ifindex === reading.link.ifindex) return reading;
    const location = notGiven(reading, `not ${holder.device}, which has its address for a live pod`);
    return { kind: 'contested', location };
  }

  /**
   * The process of a pod that is gone may answer for its old address, or still have the route, when that is a new pod's
   * address. The new pod's link is newer: where there is one that is nobody's and may have the address, neither is enough.
   */
  #mayBeNewer(pod: PodToAttach, { link, by, bridge }: Found): boolean {
    const owner = this.before.owners.get(link.ifindex);
    if (by === 'result' || owner === undefined || owner.pod === identityOf(pod) || this.#live.has(owner.pod))
      return false;
    return this.#freeLinks(bridge).some(({ name, ifindex }) => {
      if (ifindex <= link.ifindex) return false;
      const behind = this.#index.addressesBehind(name);
      return behind.size === 0 || pod.addresses.some((address) => behind.has(address));
    });
  }

  /** Links that are nobody's and may be pods': ports of the bridge, or routed ones. */
  #freeLinks(bridge: string | undefined): readonly Link[] {
    const isFree = ({ kind, ifindex }: Link): boolean =>
      kind === 'veth' && !this.before.owners.has(ifindex) && !this.#claimed.has(ifindex);
    const all = (): readonly Link[] => (bridge === undefined ? this.#index.routedVeths : this.#index.portsOf(bridge));
    const known = this.#free.get(bridge) ?? all().filter(isFree);
    this.#free.set(bridge, known);
    return known;
  }

  #read(pod: PodToAttach): Reading {
    const places = pod.addresses.map((address) => this.#readAddress(pod, address));
    return (
      places.find(({ kind }) => kind === 'found') ??
      places.find(({ kind }) => kind === 'silent') ??
      places[0] ??
      nowhere
    );
  }

  #readAddress(pod: PodToAttach, address: Address): Reading {
    const route = this.#index.routeTo(address);
    if (route === undefined) return { kind: 'elsewhere', reason: `no route to ${address}` };
    const device = this.#index.named(route.device);
    if (device === undefined)
      return { kind: 'elsewhere', reason: `the route to ${address} (${formatCidr(route.to)}) leads to no device here` };
    if (device.kind === 'bridge') return this.#readBridge(pod, address, device.name);
    if (device.kind !== 'veth') return notVeth(address, device);
    if (isHostRoute(route)) return { ...this.#placeAt(pod, device), bridge: undefined, by: 'route' };
    return {
      kind: 'elsewhere',
      reason: `${address} has no route of its own, only ${formatCidr(route.to)} by veth ${device.name}: another node's or network's`,
    };
  }

  #readBridge(pod: PodToAttach, address: Address, bridge: string): Reading {
    const mac = this.#index.hardwareOf(address, bridge);
    const ports = [...this.#index.learnedOn(mac)].flatMap((name) => this.#index.named(name) ?? []);
    const port = ports.find(({ master }) => master === bridge);
    if (port === undefined) {
      const reason =
        mac === undefined
          ? `${address} has not answered on bridge ${bridge} yet`
          : `bridge ${bridge} does not say on which port ${address} (${mac}) is`;
      return { kind: 'silent', address, bridge, reason };
    }
    if (port.kind !== 'veth') return notVeth(address, port, ` of bridge ${bridge}`);
    return { ...this.#placeAt(pod, port), by: 'bridge', bridge, address };
  }

  /** A hardware address belongs to the link: the first that was known stays. */
  #placeAt(pod: PodToAttach, link: Link, named?: string): Omit<Found, 'by'> {
    const bridge = this.#index.bridgeOf(link);
    const isLearned = (mac: string): boolean => this.#index.learnedOn(mac).has(link.name);
    const learned = (): string | undefined =>
      bridge === undefined
        ? undefined
        : pod.addresses.flatMap((address) => this.#index.hardwareOf(address, bridge) ?? []).find(isLearned);
    return { kind: 'found', link, bridge, hardware: named ?? this.before.at(link.ifindex)?.hardware ?? learned() };
  }
}

const isNamed = ({ pod }: PodToAttach, named: NamedLink): boolean =>
  named.pod === undefined || objectKey(named.pod) === objectKey(pod);

function notGiven({ link, by, bridge, address }: Found, whose: string): Unattached {
  const source =
    by === 'bridge'
      ? `${bridge ?? ''} has learned it on`
      : by === 'route'
        ? 'its route leads to'
        : "CNI's result names";
  const reason = `${source} ${link.name}, which is ${whose}`;
  return by !== 'bridge' || address === undefined || bridge === undefined
    ? { kind: 'elsewhere', reason }
    : { kind: 'silent', address, bridge, reason };
}

const notVeth = (address: Address, { kind, name }: Link, where = ''): Unattached => ({
  kind: 'elsewhere',
  reason: `${address} is behind ${kind === '' ? 'device' : kind} ${name}${where}, not behind a veth of this node: its traffic is not seen here`,
});

function attached(
  { pod, podUid, addresses }: PodToAttach,
  { link: { name, ifindex }, bridge, hardware }: Omit<Found, 'by'>,
): Attachment {
  const link = { device: name, ifindex, ...(hardware === undefined ? {} : { hardware }) };
  const common: Omit<LinkBinding, 'kind' | 'bridge'> = { pod, podUid, addresses, ...link };
  return bridge === undefined ? { ...common, kind: 'routed' } : { ...common, kind: 'bridged', bridge };
}

/** A veth whose route covers more than one address leads to another node or network, not to a pod. */
const isHostRoute = ({ to }: Route): boolean => isSingleAddress(to);
