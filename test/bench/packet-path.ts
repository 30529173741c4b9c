/**
 * A path that packets are routed along: client, router and server in network namespaces of their own. One thread holds
 * both ends' sockets, and a veth delivers within the sender's call, so a round trip is what the path costs and no process
 * is woken; what is added is four system calls.
 */
import { execa } from 'execa';
import * as libc from '../support/lab/libc.js';

const ip = (...args: readonly string[]) => execa('ip', args);
const payload = Buffer.from('podwall!');

export const clientAddress = '10.10.1.2';
export const serverAddress = '10.10.2.2';
export const serverPort = 5000;
/** The router's ends. */
export const devices = { client: 'pod-client', server: 'pod-server' } as const;

export class PacketPath implements AsyncDisposable {
  readonly router: string;
  readonly #client: string;
  readonly #server: string;
  #serverSocket = -1;
  #liveSocket = -1;

  private constructor(name: string) {
    [this.router, this.#client, this.#server] = [`${name}-router`, `${name}-client`, `${name}-server`];
  }

  static async create(name: string): Promise<PacketPath> {
    const path = new PacketPath(name);
    for (const space of [path.router, path.#client, path.#server]) await ip('netns', 'add', space);
    await path.#link(path.#client, devices.client, '10.10.1');
    await path.#link(path.#server, devices.server, '10.10.2');
    await execa('ip', ['netns', 'exec', path.router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    path.#serverSocket = libc.inNamed(path.#server, () => path.#bound(serverAddress, serverPort));
    path.#liveSocket = path.#connected();
    return path;
  }

  /** So many round trips on one flow, in microseconds each. */
  live(count: number): number {
    const started = performance.now();
    for (let turn = 0; turn < count; turn += 1) this.#roundTrip(this.#liveSocket);
    return ((performance.now() - started) * 1000) / count;
  }

  /** The first round trip of so many flows, each from a port of its own, in microseconds each. */
  fresh(count: number): number {
    const sockets = Array.from({ length: count }, () => this.#connected());
    const started = performance.now();
    for (const socket of sockets) this.#roundTrip(socket);
    const elapsed = performance.now() - started;
    sockets.forEach(libc.close);
    return (elapsed * 1000) / count;
  }

  /** The first packet of so many flows, one way, in microseconds each; returns whether they arrived. */
  oneWay(count: number): { readonly microseconds: number; readonly arrived: number } {
    const sockets = Array.from({ length: count }, () => this.#connected());
    const started = performance.now();
    for (const socket of sockets) libc.send(socket, payload);
    const elapsed = performance.now() - started;
    sockets.forEach(libc.close);
    let arrived = 0;
    while (libc.receive(this.#serverSocket) !== undefined) arrived += 1;
    return { microseconds: (elapsed * 1000) / count, arrived };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#serverSocket, this.#liveSocket]) if (socket >= 0) libc.close(socket);
    for (const space of [this.router, this.#client, this.#server]) await ip('netns', 'del', space);
  }

  #roundTrip(client: number): void {
    libc.send(client, payload);
    const got = libc.receive(this.#serverSocket);
    if (got === undefined) throw new Error('a packet was lost on the way to the server');
    libc.sendTo(this.#serverSocket, payload, got.from);
    if (libc.receive(client) === undefined) throw new Error('a packet was lost on the way to the client');
  }

  async #link(space: string, device: string, network: string): Promise<void> {
    await ip('-n', this.router, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space);
    await ip('-n', this.router, 'address', 'add', `${network}.1/24`, 'dev', device);
    await ip('-n', this.router, 'link', 'set', device, 'up');
    await ip('-n', space, 'address', 'add', `${network}.2/24`, 'dev', 'eth0');
    await ip('-n', space, 'link', 'set', 'eth0', 'up');
    await ip('-n', space, 'link', 'set', 'lo', 'up');
    await ip('-n', space, 'route', 'add', 'default', 'via', `${network}.1`);
    // Known for good: no resolution falls into a block.
    const [inside, outside] = await Promise.all([hardwareOf(space, 'eth0'), hardwareOf(this.router, device)]);
    await ip('-n', space, 'neigh', 'replace', `${network}.1`, 'lladdr', outside, 'dev', 'eth0', 'nud', 'permanent');
    const entry = ['neigh', 'replace', `${network}.2`, 'lladdr', inside, 'dev', device, 'nud', 'permanent'];
    await ip('-n', this.router, ...entry);
  }

  #connected(): number {
    return libc.inNamed(this.#client, () => {
      const socket = this.#bound(clientAddress, 0);
      if (libc.connect(socket, libc.socketAddress(serverAddress, serverPort)) !== 0) throw new Error('connect');
      return socket;
    });
  }

  #bound(address: string, port: number): number {
    const socket = libc.socket(libc.AF_INET, libc.SOCK_DGRAM);
    libc.bind(socket, libc.socketAddress(address, port));
    return socket;
  }
}

async function hardwareOf(space: string, device: string): Promise<string> {
  const { stdout } = await ip('-n', space, '-j', 'link', 'show', device);
  return (JSON.parse(stdout) as { address: string }[])[0]?.address ?? '';
}
