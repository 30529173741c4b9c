import { cidrContains, type Address } from '../model/address.js';
import type { Attachment } from '../model/attachment.js';
import type { ObjectRef } from '../model/pod.js';
import type { Link, LinkReadings, Route } from './link-readings.js';

export interface PodToAttach {
  readonly pod: ObjectRef;
  readonly podUid: string;
  readonly addresses: readonly Address[];
}

export type Place =
  | { readonly kind: 'attached'; readonly attachment: Attachment }
  /** On a bridge that does not know yet on which port: asking the neighbour may tell. */
  | { readonly kind: 'silent'; readonly address: Address; readonly bridge: string }
  | { readonly kind: 'elsewhere'; readonly reason: string };

/** Where a pod hangs, by routes, the neighbour table and the bridges' forwarding tables. Any of its addresses will do. */
export function locate(pod: PodToAttach, readings: LinkReadings): Place {
  const places = pod.addresses.map((address) => locateAddress(pod, address, readings));
  return (
    places.find(({ kind }) => kind === 'attached') ??
    places.find(({ kind }) => kind === 'silent') ??
    places[0] ?? { kind: 'elsewhere', reason: 'the pod has no address' }
  );
}

function locateAddress(pod: PodToAttach, address: Address, readings: LinkReadings): Place {
  const route = longestMatch(readings.routes, address);
  if (route === undefined) return { kind: 'elsewhere', reason: `no route to ${address}` };
  const device = readings.links.find(({ name }) => name === route.device);
  if (device?.kind === 'veth' && isHostRoute(route)) return attached(pod, device);
  if (device?.kind === 'bridge') return onBridge(pod, address, device, readings);
  const kind = device === undefined || device.kind === '' ? 'device' : device.kind;
  return {
    kind: 'elsewhere',
    reason: `${address} is behind ${kind} ${route.device}, not behind a veth of this node: its traffic is not seen here`,
  };
}

function onBridge(
  pod: PodToAttach,
  address: Address,
  bridge: Link,
  { links, neighbours, forwarding }: LinkReadings,
): Place {
  const neighbour = neighbours.find((one) => one.address === address && one.device === bridge.name);
  const port = forwarding
    .filter(({ mac }) => mac === neighbour?.mac)
    .map((entry) => links.find(({ name }) => name === entry.port))
    .find((link) => link?.master === bridge.name);
  if (port === undefined) return { kind: 'silent', address, bridge: bridge.name };
  if (port.kind === 'veth') return attached(pod, port, bridge.name);
  return {
    kind: 'elsewhere',
    reason: `${address} is behind ${port.kind === '' ? 'device' : port.kind} ${port.name} on bridge ${bridge.name}, not behind a veth of this node`,
  };
}

function attached(pod: PodToAttach, device: Link, bridge?: string): Place {
  const { name, ifindex } = device;
  const common = { pod: pod.pod, podUid: pod.podUid, device: name, ifindex, addresses: pod.addresses };
  return {
    kind: 'attached',
    attachment: bridge === undefined ? { ...common, kind: 'routed' } : { ...common, kind: 'bridged', bridge },
  };
}

function longestMatch(routes: readonly Route[], address: Address): Route | undefined {
  let best: Route | undefined;
  for (const route of routes)
    if (cidrContains(route.to, address) && (best === undefined || route.to.prefix > best.to.prefix)) best = route;
  return best;
}

/** A veth with a route to more than the pod leads to another node or a lab's wire, not to a pod. */
const isHostRoute = ({ to }: Route): boolean => to.prefix === (to.family === 'IPv4' ? 32 : 128);
