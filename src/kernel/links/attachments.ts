import { cidrContains, formatCidr, isSingleAddress, type Address } from '../../model/address.js';
import type { Attachment } from '../../model/attachment.js';
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

/**
 * Finds the devices of pods, in their order, by routes, neighbour table and the bridges' forwarding tables. One of a pod's
 * addresses is enough.
 *
 * A bridge learns what pods claim: a pod that sends with another's hardware address is taken for that pod. So a bridged pod
 * stays where it was found first (`known`) as long as that veth is a port of the bridge, and no other pod gets its veth.
 * Routes are made by the node and need no such care.
 */
export function locatePods(
  pods: readonly PodToAttach[],
  readings: LinkReadings,
  known: readonly Attachment[] = [],
): readonly PodLocation[] {
  const settled = known.filter(({ kind }) => kind === 'bridged');
  const places = pods.map((pod) => locate(pod, readings, settled));
  const owners = new Map<number, string>();
  for (const place of places)
    if (place.kind === 'attached' && settled.some((one) => isSame(one, place.attachment)))
      owners.set(place.attachment.ifindex, place.attachment.podUid);
  return places.map((place) => withoutTaken(place, owners));
}

/** A veth where another pod was found before does not belong to this pod. */
function withoutTaken(place: PodLocation, owners: ReadonlyMap<number, string>): PodLocation {
  if (place.kind !== 'attached' || place.attachment.bridge === undefined) return place;
  const { addresses, bridge, device, ifindex, podUid } = place.attachment;
  const owner = owners.get(ifindex);
  if (owner === undefined || owner === podUid) return place;
  const [address] = addresses;
  const reason = `${bridge} has learned it on ${device}, which is another pod's`;
  return address === undefined ? { kind: 'elsewhere', reason } : { kind: 'silent', address, bridge, reason };
}

const isSame = (a: Attachment, b: Attachment): boolean =>
  a.podUid === b.podUid && a.ifindex === b.ifindex && objectKey(a.pod) === objectKey(b.pod);

function locate(pod: PodToAttach, readings: LinkReadings, settled: readonly Attachment[]): PodLocation {
  const before = settled.find((one) => one.podUid === pod.podUid && objectKey(one.pod) === objectKey(pod.pod));
  const places = pod.addresses.map((address) => locateAddress({ pod, address, before }, readings));
  return (
    places.find(({ kind }) => kind === 'attached') ??
    places.find(({ kind }) => kind === 'silent') ??
    places[0] ?? { kind: 'elsewhere', reason: 'the pod has no address' }
  );
}

interface Search {
  readonly pod: PodToAttach;
  readonly address: Address;
  /** Where the pod was found before. */
  readonly before: Attachment | undefined;
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
  if (isHostRoute(route)) return attached(pod, device);
  return {
    kind: 'elsewhere',
    reason: `${address} has no route of its own, only ${formatCidr(route.to)} by veth ${device.name}: another node's or network's`,
  };
}

function onBridge({ pod, address, before }: Search, bridge: Link, readings: LinkReadings): PodLocation {
  const { links, neighbours, forwarding } = readings;
  const ports = links.filter(({ master }) => master === bridge.name);
  const settled = ports.find(({ ifindex }) => ifindex === before?.ifindex);
  if (settled !== undefined) return attached(pod, settled, { bridge: bridge.name, hardware: before?.hardware });
  const mac = neighbours.find((one) => one.address === address && one.device === bridge.name)?.mac;
  const learnedOn = new Set(forwarding.filter((entry) => entry.mac === mac).map((entry) => entry.port));
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

const notVeth = (address: Address, { kind, name }: Link, where = ''): PodLocation => ({
  kind: 'elsewhere',
  reason: `${address} is behind ${kind === '' ? 'device' : kind} ${name}${where}, not behind a veth of this node: its traffic is not seen here`,
});

interface OnBridge {
  readonly bridge: string;
  readonly hardware: string | undefined;
}

function attached(pod: PodToAttach, device: Link, on?: OnBridge): PodLocation {
  const { name, ifindex } = device;
  const common = { pod: pod.pod, podUid: pod.podUid, device: name, ifindex, addresses: pod.addresses };
  return {
    kind: 'attached',
    attachment:
      on === undefined
        ? { ...common, kind: 'routed' }
        : {
            ...{ ...common, kind: 'bridged', bridge: on.bridge },
            ...(on.hardware === undefined ? {} : { hardware: on.hardware }),
          },
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
