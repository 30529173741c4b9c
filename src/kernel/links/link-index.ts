import { cidrContains, isSingleAddress, type Address } from '../../model/address.js';
import type { Link, LinkReadings, Route } from './link-readings.js';

/** A reading by what is asked of it for every pod, so that a thousand pods are a thousand look-ups. */
export class LinkIndex {
  readonly #byName: ReadonlyMap<string, Link>;
  readonly #byIfindex: ReadonlyMap<number, Link>;
  readonly #ports = new Map<string, Link[]>();
  readonly #answers: ReadonlyMap<Address, Route> | undefined;
  readonly #hostRoutes = new Map<Address, Route>();
  readonly #networks: readonly Route[];
  /** By `ADDRESS DEVICE`. */
  readonly #hardware = new Map<string, string>();
  /** Ports that learned a hardware address. */
  readonly #learnedOn = new Map<string, Set<string>>();
  /** Addresses that a hardware address answered for. */
  readonly #answeredFor = new Map<string, Set<Address>>();
  /** By device: addresses with a route of their own. */
  readonly #routed = new Map<string, Set<Address>>();
  readonly #routesTo = new Map<Address, number>();
  /** Hardware addresses that a port learned. */
  readonly #learned = new Map<string, Set<string>>();

  constructor({ links, routes, answers, neighbours, forwarding }: LinkReadings) {
    this.#byName = new Map(links.map((link) => [link.name, link]));
    this.#byIfindex = new Map(links.map((link) => [link.ifindex, link]));
    for (const link of links) if (link.master !== undefined) listIn(this.#ports, link.master).push(link);
    this.#answers = answers;
    this.#networks = routes.filter(({ to }) => !isSingleAddress(to));
    for (const route of routes)
      if (isSingleAddress(route.to) && isBetter(route, this.#hostRoutes.get(route.to.address)))
        this.#hostRoutes.set(route.to.address, route);
    for (const { to, device } of routes)
      if (isSingleAddress(to)) {
        setIn(this.#routed, device).add(to.address);
        this.#routesTo.set(to.address, (this.#routesTo.get(to.address) ?? 0) + 1);
      }
    for (const { address, device, mac } of neighbours) {
      const key = `${address} ${device}`;
      if (!this.#hardware.has(key)) this.#hardware.set(key, mac);
      if (!isLinkLocal(address)) setIn(this.#answeredFor, mac).add(address);
    }
    for (const { mac, port } of forwarding) {
      setIn(this.#learnedOn, mac).add(port);
      setIn(this.#learned, port).add(mac);
    }
  }

  named(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  at(ifindex: number | undefined): Link | undefined {
    return ifindex === undefined ? undefined : this.#byIfindex.get(ifindex);
  }

  /** The bridge that a link is a port of. */
  bridgeOf({ master = '' }: Link): string | undefined {
    const link = this.#byName.get(master);
    return link?.kind === 'bridge' ? link.name : undefined;
  }

  portsOf(bridge: string): readonly Link[] {
    return this.#ports.get(bridge) ?? [];
  }

  /** The kernel's own answer, else the longest prefix of the main table. */
  routeTo(address: Address): Route | undefined {
    const known = this.#answers?.get(address) ?? this.#hostRoutes.get(address);
    if (known !== undefined) return known;
    let best: Route | undefined;
    for (const route of this.#networks) if (cidrContains(route.to, address) && isBetter(route, best)) best = route;
    return best;
  }

  /** As the node's neighbour table has it. */
  hardwareOf(address: Address, bridge: string): string | undefined {
    return this.#hardware.get(`${address} ${bridge}`);
  }

  /** Ports on which bridges have learned it. */
  learnedOn(mac: string | undefined): ReadonlySet<string> {
    return (mac === undefined ? undefined : this.#learnedOn.get(mac)) ?? new Set();
  }

  /** Addresses that whoever is behind a link has answered for, or that have routes to it. */
  addressesBehind(link: string): ReadonlySet<Address> {
    const answered = [...(this.#learned.get(link) ?? [])].flatMap((mac) => [...(this.#answeredFor.get(mac) ?? [])]);
    // A gateway's address, which the node has on every such link, is behind none of them.
    const routed = [...(this.#routed.get(link) ?? [])].filter((address) => this.#routesTo.get(address) === 1);
    return new Set([...answered, ...routed]);
  }

  /** Veths that are no port of a bridge and no way to a network. */
  get routedVeths(): readonly Link[] {
    const ways = new Set(this.#networks.filter(({ to }) => !isLinkLocal(to.address)).map(({ device }) => device));
    return [...this.#byIfindex.values()].filter(
      ({ kind, master, name }) => kind === 'veth' && master === undefined && !ways.has(name),
    );
  }
}

/** Every interface has one, which says nothing about whose it is. */
const isLinkLocal = (address: Address): boolean => /^fe[89ab]/.test(address);

const isBetter = (route: Route, than: Route | undefined): boolean =>
  than === undefined ||
  route.to.prefix > than.to.prefix ||
  (route.to.prefix === than.to.prefix && route.metric < than.metric);

function listIn<T>(map: Map<string, T[]>, key: string): T[] {
  const found = map.get(key) ?? [];
  map.set(key, found);
  return found;
}

function setIn<T>(map: Map<string, Set<T>>, key: string): Set<T> {
  const found = map.get(key) ?? new Set<T>();
  map.set(key, found);
  return found;
}
