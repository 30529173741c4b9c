/**
 * Probes on real packets. One process serves and calls for every pod: it enters a pod's namespace only to open a socket
 * there. All cells of a table are asked at once, so that a table with denied cells costs one time-out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as libc from './libc.js';
import { icmpEcho, sctpInit } from './packets.js';

export type ProbeProtocol = 'TCP' | 'UDP' | 'SCTP' | 'ICMP';

/** `refused`: the packet arrived and was answered with a reset or an ICMP error. */
export type Outcome = 'allowed' | 'blocked' | 'refused';

export interface Probe {
  /** Namespace that the client is in. */
  readonly from: string;
  readonly to: string;
  readonly port: number;
  readonly protocol: ProbeProtocol;
  readonly sourcePort?: number;
}

interface Server {
  readonly fd: number;
  readonly kind: 'TCP' | 'UDP' | 'SCTP4' | 'SCTP6';
}

interface Call {
  readonly fd: number;
  readonly probe: Probe;
  readonly index: number;
}

const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

export class Prober implements Disposable {
  readonly #namespaces = new Map<string, number>();
  readonly #servers = new Map<number, Server>();
  readonly #served = new Map<string, number>();
  #identifier = 1;
  #streams = 0;

  /** Serves a port in a namespace, on every address of both families. */
  serve(namespace: string, port: number, protocol: ProbeProtocol): void {
    const key = `${namespace} ${protocol} ${protocol === 'SCTP' ? '' : port}`;
    if (protocol === 'ICMP' || this.#served.has(key)) return;
    libc.inNamespace(this.#enter(namespace), () => {
      if (protocol === 'SCTP') {
        // A raw socket hears every port; who is not to be heard is not asked.
        this.#addServer(key, { fd: libc.socket(libc.AF_INET, libc.SOCK_RAW, libc.IPPROTO_SCTP), kind: 'SCTP4' });
        this.#addServer(key, { fd: libc.socket(libc.AF_INET6, libc.SOCK_RAW, libc.IPPROTO_SCTP), kind: 'SCTP6' });
        return;
      }
      const fd = libc.socket(libc.AF_INET6, protocol === 'TCP' ? libc.SOCK_STREAM : libc.SOCK_DGRAM);
      libc.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
      libc.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      libc.bind(fd, libc.socketAddress('::', port));
      if (protocol === 'TCP') libc.listen(fd);
      this.#addServer(key, { fd, kind: protocol });
    });
  }

  /** Forgets a namespace that goes: its descriptors would keep it alive. */
  leave(namespace: string): void {
    for (const [key, fd] of [...this.#served])
      if (key.startsWith(`${namespace} `)) {
        libc.close(fd);
        this.#servers.delete(fd);
        this.#served.delete(key);
      }
    const fd = this.#namespaces.get(namespace);
    if (fd !== undefined) libc.close(fd);
    this.#namespaces.delete(namespace);
  }

  /** Asks all at once; an answer within `timeout` milliseconds is `allowed` or `refused`, silence is `blocked`. */
  async probe(probes: readonly Probe[], timeout = 400): Promise<Outcome[]> {
    const outcomes = probes.map((): Outcome => 'blocked');
    let open = probes.map((probe, index) => this.#call(probe, index)).filter((call) => call !== undefined);
    const deadline = performance.now() + timeout;
    while (open.length > 0 && performance.now() < deadline) {
      const ready = this.#serveOnce(
        open.map((call) => ({ fd: call.fd, events: eventsOf(call) })),
        4,
      );
      open = open.filter((call) => {
        const outcome = ready.has(call.fd) ? answerOf(call) : undefined;
        if (outcome === undefined) return true;
        outcomes[call.index] = outcome;
        libc.close(call.fd);
        return false;
      });
      await delay(0);
    }
    for (const { fd } of open) libc.close(fd);
    return outcomes;
  }

  /** A TCP connection that stays; undefined when it is not established in time. */
  async openStream(probe: Omit<Probe, 'protocol'>, timeout = 400): Promise<Stream | undefined> {
    this.#streams += 1;
    const sourcePort = probe.sourcePort ?? 15_000 + this.#streams;
    const client = libc.inNamespace(this.#enter(probe.from), () => libc.socket(familyOf(probe.to), libc.SOCK_STREAM));
    bindSource(client, { ...probe, sourcePort });
    libc.connect(client, libc.socketAddress(probe.to, probe.port));
    const held = new Map<number, number>();
    const deadline = performance.now() + timeout;
    let connected = false;
    while (performance.now() < deadline) {
      const ready = this.#serveOnce([{ fd: client, events: libc.POLLOUT }], 4, held);
      connected ||= ready.has(client) && libc.socketError(client) === 0;
      const server = held.get(sourcePort);
      if (connected && server !== undefined) return new Stream(client, server);
      await delay(0);
    }
    libc.close(client);
    return undefined;
  }

  /** Opens a socket in a namespace, for packets by hand. The caller closes it. */
  socketIn(namespace: string, domain: number, type: number, protocol: number): number {
    return libc.inNamespace(this.#enter(namespace), () => libc.socket(domain, type, protocol));
  }

  [Symbol.dispose](): void {
    for (const namespace of [...this.#namespaces.keys()]) this.leave(namespace);
  }

  #enter(namespace: string): number {
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) return known;
    const fd = libc.openNamespace(namespace);
    this.#namespaces.set(namespace, fd);
    return fd;
  }

  #addServer(key: string, server: Server): void {
    this.#servers.set(server.fd, server);
    this.#served.set(`${key}${server.kind}`, server.fd);
    this.#served.set(key, server.fd);
  }

  #call(probe: Probe, index: number): Call | undefined {
    const fd = libc.inNamespace(this.#enter(probe.from), () => openClient(probe));
    bindSource(fd, probe);
    this.#identifier = (this.#identifier + 1) & 0xffff;
    const target = libc.socketAddress(probe.to, probe.protocol === 'TCP' || probe.protocol === 'UDP' ? probe.port : 0);
    const version = probe.to.includes(':') ? 6 : 4;
    let result = libc.connect(fd, target);
    if (result < 0 && libc.errno() !== libc.EINPROGRESS) {
      libc.close(fd);
      return undefined;
    }
    if (probe.protocol === 'UDP') result = libc.send(fd, Buffer.from('ping'));
    if (probe.protocol === 'ICMP') result = libc.send(fd, icmpEcho(version, this.#identifier));
    if (probe.protocol === 'SCTP') {
      const sourcePort = probe.sourcePort ?? 20_000 + (this.#identifier % 40_000);
      result = libc.send(fd, sctpInit({ sourcePort, destinationPort: probe.port }, 1, 0));
      return { fd, probe: { ...probe, sourcePort }, index };
    }
    return { fd, probe, index };
  }

  /** Serves whoever calls, once, and tells which of the clients' sockets have something. */
  #serveOnce(
    clients: readonly { fd: number; events: number }[],
    milliseconds: number,
    held?: Map<number, number>,
  ): Set<number> {
    const servers = [...this.#servers.values()].map(({ fd }) => ({ fd, events: libc.POLLIN }));
    const ready = libc.poll([...clients, ...servers], milliseconds);
    for (const server of this.#servers.values()) if (ready.has(server.fd)) serve(server, held);
    return ready;
  }
}

/** An established connection with both its ends in hand. */
export class Stream implements Disposable {
  constructor(client: number, server: number) {
    this.#client = client;
    this.#server = server;
  }

  readonly #client: number;
  readonly #server: number;

  /** Whether bytes sent at one end arrive at the other within `timeout` milliseconds. */
  async carries(direction: 'toServer' | 'toClient', timeout = 400): Promise<boolean> {
    const [from, to] = direction === 'toServer' ? [this.#client, this.#server] : [this.#server, this.#client];
    while ((libc.receive(to)?.data.length ?? 0) > 0) continue;
    if (libc.send(from, Buffer.from('x')) < 0) return false;
    const deadline = performance.now() + timeout;
    while (performance.now() < deadline) {
      const got = libc.receive(to);
      if (got !== undefined) return got.data.length > 0;
      await delay(2);
    }
    return false;
  }

  [Symbol.dispose](): void {
    libc.close(this.#client);
    libc.close(this.#server);
  }
}

const familyOf = (address: string): number => (address.includes(':') ? libc.AF_INET6 : libc.AF_INET);
const eventsOf = ({ probe }: Call): number => (probe.protocol === 'TCP' ? libc.POLLOUT : libc.POLLIN);

function openClient({ to, protocol }: Probe): number {
  const family = familyOf(to);
  if (protocol === 'TCP') return libc.socket(family, libc.SOCK_STREAM);
  if (protocol === 'UDP') return libc.socket(family, libc.SOCK_DGRAM);
  if (protocol === 'SCTP') return libc.socket(family, libc.SOCK_RAW, libc.IPPROTO_SCTP);
  return libc.socket(family, libc.SOCK_RAW, family === libc.AF_INET ? libc.IPPROTO_ICMP : libc.IPPROTO_ICMPV6);
}

function bindSource(fd: number, { to, sourcePort }: Pick<Probe, 'to' | 'sourcePort'>): void {
  if (sourcePort === undefined) return;
  libc.setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  libc.bind(fd, libc.socketAddress(to.includes(':') ? '::' : '0.0.0.0', sourcePort));
}

/** What an answered call means; undefined: nothing yet that belongs to it. */
function answerOf({ fd, probe }: Call): Outcome | undefined {
  if (probe.protocol === 'TCP') {
    const error = libc.socketError(fd);
    if (error === 0) return 'allowed';
    return error === libc.ECONNREFUSED ? 'refused' : undefined;
  }
  const received = libc.receive(fd);
  if (received === undefined) return libc.errno() === libc.ECONNREFUSED ? 'refused' : undefined;
  const body = probe.to.includes(':') || probe.protocol === 'UDP' ? received.data : received.data.subarray(20);
  if (probe.protocol === 'UDP') return 'allowed';
  if (probe.protocol === 'ICMP') return body[0] === 0 || body[0] === 129 ? 'allowed' : undefined;
  const isOurs = body[12] === 2 && body.readUInt16BE(0) === probe.port && body.readUInt16BE(2) === probe.sourcePort;
  return isOurs ? 'allowed' : undefined;
}

/** @param held where accepted connections are kept, by their caller's port; without it they are closed at once */
function serve({ fd, kind }: Server, held: Map<number, number> | undefined): void {
  if (kind === 'TCP') {
    for (let accepted = libc.accept(fd); accepted !== undefined; accepted = libc.accept(fd)) {
      if (held === undefined) libc.close(accepted.fd);
      else held.set(accepted.port, accepted.fd);
    }
    return;
  }
  for (let received = libc.receive(fd); received !== undefined; received = libc.receive(fd)) {
    if (kind === 'UDP') {
      libc.sendTo(fd, received.data, received.from);
      continue;
    }
    const body = kind === 'SCTP4' ? received.data.subarray(20) : received.data;
    if (body[12] !== 1) continue;
    const reply = sctpInit(
      { sourcePort: body.readUInt16BE(2), destinationPort: body.readUInt16BE(0) },
      2,
      body.readUInt32BE(16),
    );
    libc.sendTo(fd, reply, received.from);
  }
}
