import { execa, ExecaError } from 'execa';
import { parseAddress, parseCidr, type Address, type Cidr } from '../../model/address.js';

/** Runs a command in the network namespace that is read. @returns its standard output */
export type Run = (args: readonly string[]) => Promise<string>;

/** @param prefix for example `['ip', 'netns', 'exec', NAME]` in tests */
export const runner =
  (prefix: readonly string[] = []): Run =>
  async (args) => {
    const [file = '', ...rest] = [...prefix, ...args];
    const { stdout } = await execa(file, rest, { env: { LC_ALL: 'C' }, stdin: 'ignore', timeout: 10_000 });
    return stdout;
  };

export interface Link {
  readonly name: string;
  readonly ifindex: number;
  /** `veth`, `bridge`, `macvlan`, …; empty for a physical device. */
  readonly kind: string;
  /** The bridge that the device is a port of. */
  readonly master?: string;
  /** UDP port on which the device takes packets out of a tunnel, from whoever sends them. */
  readonly tunnelPort?: number;
}

export interface Route {
  readonly to: Cidr;
  /** Empty for a route without a device (blackhole, unreachable, prohibit) or with several. */
  readonly device: string;
  /** Of two routes to one network the kernel takes the lower metric. */
  readonly metric: number;
}

/** The hardware address that an address had last, and its device. */
interface Neighbour {
  readonly address: Address;
  readonly device: string;
  readonly mac: string;
}

/** The port of a bridge on which it learned a hardware address. */
interface ForwardingEntry {
  readonly mac: string;
  readonly port: string;
}

/** Everything from which a pod's device is found, read at one moment. */
export interface LinkReadings {
  readonly links: readonly Link[];
  /** The main table. */
  readonly routes: readonly Route[];
  /** The kernel's own routes to single addresses, from whatever table its rules select. */
  readonly answers?: ReadonlyMap<Address, Route>;
  readonly neighbours: readonly Neighbour[];
  readonly forwarding: readonly ForwardingEntry[];
}

export async function readLinks(run: Run): Promise<LinkReadings> {
  const [links, routes4, routes6, neighbours, forwarding] = await Promise.all([
    run(['ip', '-j', '-d', 'link']),
    run(['ip', '-4', '-j', 'route']),
    run(['ip', '-6', '-j', 'route']),
    run(['ip', '-j', 'neigh']),
    run(['bridge', '-j', 'fdb', 'show']),
  ]);
  return {
    links: parseLinks(links),
    routes: [...parseRoutes(routes4, '0.0.0.0/0'), ...parseRoutes(routes6, '::/0')],
    neighbours: parseNeighbours(neighbours),
    forwarding: parseForwarding(forwarding),
  };
}

/** iproute2 prints nothing at all for an empty list. */
function rowsOf(json: string): readonly Readonly<Record<string, unknown>>[] {
  const rows: unknown = json.trim() === '' ? [] : JSON.parse(json);
  return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

export function parseLinks(json: string): readonly Link[] {
  return rowsOf(json).flatMap((row) => {
    const { ifname, ifindex, master, linkinfo } = row;
    if (typeof ifname !== 'string' || typeof ifindex !== 'number') return [];
    const { info_kind, info_data } = (linkinfo ?? {}) as { info_kind?: unknown; info_data?: unknown };
    const kind = textOf(info_kind);
    const tunnelPort = tunnelPortOf(kind, info_data);
    return [
      {
        ...{ name: ifname, ifindex, kind },
        ...(typeof master === 'string' ? { master } : {}),
        ...(tunnelPort === undefined ? {} : { tunnelPort }),
      },
    ];
  });
}

/** As iproute2 names the port of each kind. WireGuard, and what IPsec protects, takes nothing without a key. */
const portFields: Readonly<Record<string, string>> = { vxlan: 'port', geneve: 'port', bareudp: 'dstport' };

function tunnelPortOf(kind: string, data: unknown): number | undefined {
  const port = (data as Readonly<Record<string, unknown>> | undefined)?.[portFields[kind] ?? ''];
  return typeof port === 'number' ? port : undefined;
}

/** Ports of foo-over-UDP and of generic UDP encapsulation, which are no devices. None where the kernel has no such thing. */
export async function readUdpEncapsulations(run: Run): Promise<readonly number[]> {
  try {
    return rowsOf(await run(['ip', '-j', 'fou', 'show'])).flatMap(({ port }) =>
      typeof port === 'number' ? [port] : [],
    );
  } catch (error) {
    if (error instanceof ExecaError && error.exitCode !== undefined) return [];
    throw error;
  }
}

export function parseRoutes(json: string, everything: string): readonly Route[] {
  return rowsOf(json).flatMap(({ dst, dev, type, metric }) => {
    if (typeof dst !== 'string') return [];
    const network = dst === 'default' ? everything : dst;
    const to = parseCidr(network.includes('/') ? network : `${network}/${network.includes(':') ? 128 : 32}`);
    const device = type === undefined || type === 'unicast' ? textOf(dev) : '';
    return to === undefined ? [] : [{ to, device, metric: typeof metric === 'number' ? metric : 0 }];
  });
}

/** The route that the kernel itself takes to `address`, policy rules included; undefined when there is none. */
export async function askRoute(run: Run, address: Address): Promise<Route | undefined> {
  try {
    const json = await run(['ip', '-j', 'route', 'get', 'fibmatch', address]);
    return parseRoutes(json, address.includes(':') ? '::/0' : '0.0.0.0/0')[0];
  } catch (error) {
    // iproute2 exits with 2 when the kernel has no answer.
    if (error instanceof ExecaError && error.exitCode === 2) return undefined;
    throw error;
  }
}

export function parseNeighbours(json: string): readonly Neighbour[] {
  return rowsOf(json).flatMap(({ dst, dev, lladdr, state }) => {
    const address = parseAddress(textOf(dst));
    const usable = typeof lladdr === 'string' && !(Array.isArray(state) && state.includes('FAILED'));
    return address === undefined || typeof dev !== 'string' || !usable ? [] : [{ address, device: dev, mac: lladdr }];
  });
}

/** Permanent entries are the ports' own addresses and multicast groups, never a pod's. */
export function parseForwarding(json: string): readonly ForwardingEntry[] {
  return rowsOf(json).flatMap(({ mac, ifname, state, flags }) => {
    const isSelf = Array.isArray(flags) && flags.includes('self');
    return typeof mac !== 'string' || typeof ifname !== 'string' || state === 'permanent' || isSelf
      ? []
      : [{ mac, port: ifname }];
  });
}
