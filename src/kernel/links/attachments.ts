import { cidrContains, formatCidr, isSingleAddress, type Address } from '../../model/address.js';
import type { Attachment } from '../../model/attachment.js';
import { isSamePod, unknownUid, type LinkBinding } from '../../model/link-binding.js';
import { objectKey, type ObjectRef } from '../../model/pod.js';
import type { Link, LinkReadings, Route } from './link-readings.js';

export interface PodToAttach {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
}

export type PodLocation =
  | { readonly kind: 'attached'; readonly attachment: Attachment }
  /** On a bridge that does not say on which port: asking the neighbour may. */
  | { readonly kind: 'silent'; readonly address: Address; readonly bridge: string; readonly reason: string }
  | { readonly kind: 'elsewhere'; readonly reason: string };

/** What is known before anything is read. */
export interface KnownLinks {
  /** Whose links are: as an earlier discovery found, or an earlier agent. A link that is gone counts no more. */
  readonly known?: readonly LinkBinding[];
  /** By the pod's uid. */
  readonly named?: ReadonlyMap<string, NamedLink>;
}

/** What CNI's result says of a pod's link. */
export interface NamedLink {
  /** Absent where the runtime did not say it. */
  readonly pod?: ObjectRef;
  /** The host's end. */
  readonly device: string;
  /** Of the pod's end. */
  readonly hardware?: string;
}

/**
 * Finds the devices of pods, in their order, by routes, neighbour table and the bridges' forwarding tables. One of a pod's
 * addresses is enough.
 *
 * A bridge learns what pods claim: a pod that sends with another's hardware address is taken for that pod. So CNI's results
 * and what was known before come first, then whoever was found first; as long as a link is there, no other pod gets it,
 * unless CNI's result names it and the pod that had it is gone.
 */
export function locatePods(
  pods: readonly PodToAttach[],
  readings: LinkReadings,
  { known = [], named = new Map() }: KnownLinks = {},
): readonly PodLocation[] {
  const owners = new Map<number, Owner>();
  for (const binding of known)
    owners.set(binding.ifindex, { ...binding, isLive: pods.some((pod) => isBoundTo(pod, binding)) });
  return pods.map((pod) => {
    const before = known.find(
      (one) => isBoundTo(pod, one) && readings.links.some(({ ifindex }) => ifindex === one.ifindex),
    );
    const place =
      locateNamed(pod, readings, { named: named.get(pod.podUid), owners }) ??
      withoutTaken(locate({ pod, before }, readings), owners);
    if (place.kind === 'attached') owners.set(place.attachment.ifindex, { ...place.attachment, isLive: true });
    return place;
  });
}

type Owner = LinkBinding & {
  /** It is one of the pods that are searched. */
  readonly isLive: boolean;
};

/** A link that is only known by its guard is that of the pod that has its name, or an address of it. */
const isBoundTo = (pod: PodToAttach, binding: LinkBinding): boolean =>
  isSamePod(pod, binding) ||
  (binding.podUid === unknownUid &&
    (objectKey(pod.pod) === objectKey(binding.pod) ||
      binding.addresses.some((address) => pod.addresses.includes(address))));

/** Undefined when CNI's result names no link that is here, or one that another pod has. */
function locateNamed(
  pod: PodToAttach,
  { links }: LinkReadings,
  { named, owners }: { readonly named: NamedLink | undefined; readonly owners: ReadonlyMap<number, Owner> },
): PodLocation | undefined {
  const link = named && links.find(({ name, kind }) => name === named.device && kind === 'veth');
  if (named === undefined || link === undefined) return undefined;
  // A Pod may be given another's uid by an annotation, its name it cannot.
  if (named.pod !== undefined && objectKey(named.pod) !== objectKey(pod.pod)) return undefined;
  const owner = owners.get(link.ifindex);
  if (owner?.isLive === true && owner.podUid !== unknownUid && !isSamePod(owner, pod)) return undefined;
  return attached(pod, link, { bridge: bridgeOf(link, links), hardware: named.hardware });
}

/** A link that another pod has does not belong to this pod. */
function withoutTaken(place: PodLocation, owners: ReadonlyMap<number, Owner>): PodLocation {
  if (place.kind !== 'attached') return place;
  const { addresses, bridge, device, ifindex } = place.attachment;
  const owner = owners.get(ifindex);
  if (owner === undefined || isSamePod(owner, place.attachment) || isBoundTo(place.attachment, owner)) return place;
  const [address] = addresses;
  const reason = `${bridge === undefined ? 'its route leads to' : `${bridge} has learned it on`} ${device}, which is another pod's`;
  return address === undefined || bridge === undefined
    ? { kind: 'elsewhere', reason }
    : { kind: 'silent', address, bridge, reason };
}

function locate({ pod, before }: Omit<Search, 'address'>, readings: LinkReadings): PodLocation {
  const places = pod.addresses.map((address) => locateAddress({ pod, address, before }, readings));
  const link = readings.links.find(({ ifindex }) => ifindex === before?.ifindex);
  return (
    places.find(({ kind }) => kind === 'attached') ??
    places.find(({ kind }) => kind === 'silent') ??
    // Its route may be gone, its link is not.
    (link && attached(pod, link, { bridge: bridgeOf(link, readings.links), hardware: before?.hardware })) ??
    places[0] ?? { kind: 'elsewhere', reason: 'the pod has no address' }
  );
}

interface Search {
  readonly pod: PodToAttach;
  readonly address: Address;
  /** The link that is the pod's already. */
  readonly before: LinkBinding | undefined;
}

function locateAddress(search: Search, readings: LinkReadings): PodLocation {
  const { pod, address } = search;
  const route = routeTo(address, readings);
  if (route === undefined) return { kind: 'elsewhere', reason: `no route to ${address}` };
  const device = readings.links.find(({ name }) => name === route.device);
  if (device === undefined)
    return { kind: 'elsewhere', reason: `the route to ${address} (${formatCidr(route.to)}) leads to no device here` };
  if (device.kind === 'bridge') return onBridge(search, device, readings);
  if (device.kind !== 'veth') return notVeth(address, device);
  if (isHostRoute(route)) return attached(pod, device, {});
  return {
    kind: 'elsewhere',
    reason: `${address} has no route of its own, only ${formatCidr(route.to)} by veth ${device.name}: another node's or network's`,
  };
}

function onBridge({ pod, address, before }: Search, bridge: Link, readings: LinkReadings): PodLocation {
  const { links, neighbours, forwarding } = readings;
  const ports = links.filter(({ master }) => master === bridge.name);
  const settled = ports.find(({ ifindex }) => ifindex === before?.ifindex);
  const mac = neighbours.find((one) => one.address === address && one.device === bridge.name)?.mac;
  const learnedOn = new Set(forwarding.filter((entry) => entry.mac === mac).map((entry) => entry.port));
  if (settled !== undefined) {
    const hardware = before?.hardware ?? (learnedOn.has(settled.name) ? mac : undefined);
    return attached(pod, settled, { bridge: bridge.name, hardware });
  }
  const port = ports.find(({ name }) => learnedOn.has(name));
  if (port === undefined) {
    const reason =
      mac === undefined
        ? `${address} has not answered on bridge ${bridge.name} yet`
        : `bridge ${bridge.name} does not say on which port ${address} (${mac}) is`;
    return { kind: 'silent', address, bridge: bridge.name, reason };
  }
  return port.kind === 'veth'
    ? attached(pod, port, { bridge: bridge.name, hardware: mac })
    : notVeth(address, port, ` of bridge ${bridge.name}`);
}

/** The bridge that a link is a port of. */
const bridgeOf = ({ master }: Link, links: readonly Link[]): string | undefined =>
  links.find(({ name, kind }) => name === master && kind === 'bridge')?.name;

const notVeth = (address: Address, { kind, name }: Link, where = ''): PodLocation => ({
  kind: 'elsewhere',
  reason: `${address} is behind ${kind === '' ? 'device' : kind} ${name}${where}, not behind a veth of this node: its traffic is not seen here`,
});

function attached(
  { pod, podUid, addresses }: PodToAttach,
  { name, ifindex }: Link,
  { bridge, hardware }: { readonly bridge?: string | undefined; readonly hardware?: string | undefined },
): PodLocation {
  const link = { device: name, ifindex, ...(hardware === undefined ? {} : { hardware }) };
  const common = { pod, podUid, addresses, ...link };
  return {
    kind: 'attached',
    attachment: bridge === undefined ? { ...common, kind: 'routed' } : { ...common, kind: 'bridged', bridge },
  };
}

function routeTo(address: Address, { answers, routes }: LinkReadings): Route | undefined {
  const answer = answers?.get(address);
  if (answer !== undefined) return answer;
  let best: Route | undefined;
  for (const route of routes) if (cidrContains(route.to, address) && isBetter(route, best)) best = route;
  return best;
}

const isBetter = (route: Route, than: Route | undefined): boolean =>
  than === undefined ||
  route.to.prefix > than.to.prefix ||
  (route.to.prefix === than.to.prefix && route.metric < than.metric);

/** A veth whose route covers more than one address leads to another node or network, not to a pod. */
const isHostRoute = ({ to }: Route): boolean => isSingleAddress(to);
