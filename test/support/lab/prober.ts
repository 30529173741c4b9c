/**
 * Probes on real packets. One process serves and calls for every pod: it enters a pod's namespace only to open a socket
 * there. All cells of a table are asked at once, so that a table with denied cells costs one time-out.
 */
import { setTimeout as delay } from 'node:timers/promises';
import * as libc from './libc.js';
import { Flow } from './flows.js';
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
  /** ICMP echo identifier, so that an answer to another call is not taken for this one's. */
  readonly identifier: number;
  readonly sourcePort: number | undefined;
}

const IPV6_V6ONLY = 26;
/** Streams call from ports of their own, below the kernel's choice, so that their accepted ends can be recognised. */
const firstStreamPort = 15_000;
/** What a path answers, or a rule of the caller's own node: the call is blocked. All other errors are mistakes. */
const pathErrors = new Set([libc.EPERM, libc.ENETUNREACH, libc.EHOSTUNREACH]);

export class Prober implements Disposable {
  readonly #namespaces = new Map<string, number>();
  readonly #servers = new Map<number, Server>();
  readonly #served = new Map<string, number>();
  /** Callers' ports whose accepted connections are kept rather than closed, for streams. */
  readonly #awaited = new Map<number, number | undefined>();
  #identifier = 1;
  #streams = 0;

  /** Serves a port in a namespace, on every address of both families. */
  serve(namespace: string, port: number, protocol: ProbeProtocol): void {
    const key = `${namespace} ${protocol} ${protocol === 'SCTP' ? '' : port}`;
    if (protocol === 'ICMP' || this.#served.has(key)) return;
    libc.inNamespace(this.#enter(namespace), () => {
      if (protocol === 'SCTP') {
        // A raw socket hears every port; who is not to be heard is not asked.
        for (const family of [libc.AF_INET, libc.AF_INET6]) {
          const raw = libc.socket(family, libc.SOCK_RAW, libc.IPPROTO_SCTP);
          libc.receiveDestination(raw, family);
          this.#addServer(key, { fd: raw, kind: family === libc.AF_INET ? 'SCTP4' : 'SCTP6' });
        }
        return;
      }
      const fd = libc.socket(libc.AF_INET6, protocol === 'TCP' ? libc.SOCK_STREAM : libc.SOCK_DGRAM);
      libc.setOption(fd, libc.IPPROTO_IPV6, IPV6_V6ONLY, 0);
      libc.setOption(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
      libc.bind(fd, libc.socketAddress('::', port));
      if (protocol === 'TCP') libc.listen(fd);
      else libc.receiveDestination(fd, libc.AF_INET6);
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

  /** A TCP connection that stays; undefined when it is not established in time. Its port must be served. */
  async openStream(probe: Omit<Probe, 'protocol'>, timeout = 400): Promise<Flow | undefined> {
    this.#streams += 1;
    const sourcePort = probe.sourcePort ?? firstStreamPort + this.#streams;
    const client = this.socketIn(probe.from, familyOf(probe.to), libc.SOCK_STREAM);
    bindSource(client, { ...probe, sourcePort });
    this.#awaited.set(sourcePort, undefined);
    libc.connect(client, libc.socketAddress(probe.to, probe.port));
    const deadline = performance.now() + timeout;
    let connected = false;
    let server: number | undefined;
    while (performance.now() < deadline && !(connected && server !== undefined)) {
      const ready = this.#serveOnce([{ fd: client, events: libc.POLLOUT }], 4);
      connected ||= ready.has(client) && libc.socketError(client) === 0;
      server = this.#awaited.get(sourcePort);
      await delay(0);
    }
    this.#awaited.delete(sourcePort);
    if (connected && server !== undefined) return new Flow('TCP', client, server);
    libc.close(client);
    if (server !== undefined) libc.close(server);
    return undefined;
  }

  /** Two UDP sockets that are connected to each other; no packet has been sent yet. */
  openUdpFlow(probe: Omit<Probe, 'protocol'> & { readonly server: string }): Flow {
    const client = this.socketIn(probe.from, familyOf(probe.to), libc.SOCK_DGRAM);
    bindSource(client, probe);
    const target = libc.socketAddress(probe.to, probe.port);
    if (libc.connect(client, target) < 0) throw new Error(`no way to ${probe.to}: errno ${libc.errno()}`);
    const server = this.socketIn(probe.server, familyOf(probe.to), libc.SOCK_DGRAM);
    // A connected socket is preferred to the one that serves everybody at the same port.
    libc.setOption(server, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
    libc.bind(server, target);
    libc.connect(server, libc.boundAddress(client));
    return new Flow('UDP', client, server);
  }

  /** Answers whoever calls for so many milliseconds: servers answer only while something is asked here. */
  async answerFor(milliseconds: number): Promise<void> {
    const deadline = performance.now() + milliseconds;
    while (performance.now() < deadline) {
      this.#serveOnce([], 2);
      await delay(0);
    }
  }

  /** Opens a socket in a namespace, for packets by hand. The caller closes it. */
  socketIn(namespace: string, domain: number, type: number, protocol = 0): number {
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

  /** Sends one call; undefined when there is no way to send it, which is as good as blocked. */
  #call(probe: Probe, index: number): Call | undefined {
    this.#identifier = (this.#identifier + 1) & 0xffff;
    const identifier = this.#identifier;
    const sourcePort = probe.sourcePort ?? (probe.protocol === 'SCTP' ? 20_000 + (identifier % 40_000) : undefined);
    const fd = this.socketIn(probe.from, familyOf(probe.to), ...typeOf(probe));
    const hasPorts = probe.protocol === 'TCP' || probe.protocol === 'UDP';
    if (hasPorts) bindSource(fd, { to: probe.to, sourcePort });
    // With a port of the caller's choice there must be no TIME_WAIT: the same call is made again.
    if (probe.protocol === 'TCP' && sourcePort !== undefined) libc.resetOnClose(fd);
    const opening = openingOf(probe, identifier, sourcePort ?? 0);
    let result = libc.connect(fd, libc.socketAddress(probe.to, hasPorts ? probe.port : 0));
    if (result >= 0 && opening !== undefined) result = libc.send(fd, opening);
    if (result >= 0 || libc.errno() === libc.EINPROGRESS) return { fd, probe, index, identifier, sourcePort };
    const errno = libc.errno();
    libc.close(fd);
    if (pathErrors.has(errno)) return undefined;
    throw new Error(`${probe.protocol} from ${probe.from} to ${probe.to} port ${probe.port}: errno ${errno}`);
  }

  /** Serves whoever calls, once, and returns which of the clients' sockets have something. */
  #serveOnce(clients: readonly { fd: number; events: number }[], milliseconds: number): Set<number> {
    const servers = [...this.#servers.values()].map(({ fd }) => ({ fd, events: libc.POLLIN }));
    const ready = libc.poll([...clients, ...servers], milliseconds);
    for (const server of this.#servers.values()) if (ready.has(server.fd)) serve(server, this.#awaited);
    return ready;
  }
}

const familyOf = (address: string): number => (address.includes(':') ? libc.AF_INET6 : libc.AF_INET);
const eventsOf = ({ probe }: Call): number => (probe.protocol === 'TCP' ? libc.POLLOUT : libc.POLLIN);

/** Type and protocol of a client's socket. */
function typeOf({ to, protocol }: Probe): [type: number, protocol: number] {
  if (protocol === 'TCP') return [libc.SOCK_STREAM, 0];
  if (protocol === 'UDP') return [libc.SOCK_DGRAM, 0];
  if (protocol === 'SCTP') return [libc.SOCK_RAW, libc.IPPROTO_SCTP];
  return [libc.SOCK_RAW, to.includes(':') ? libc.IPPROTO_ICMPV6 : libc.IPPROTO_ICMP];
}

/** What a client says first; TCP's own handshake needs no help. */
function openingOf({ to, port, protocol }: Probe, identifier: number, sourcePort: number): Buffer | undefined {
  if (protocol === 'UDP') return Buffer.from('ping');
  if (protocol === 'ICMP') return icmpEcho(to.includes(':') ? 6 : 4, identifier);
  if (protocol === 'SCTP') return sctpInit({ sourcePort, destinationPort: port }, 1, 0);
  return undefined;
}

function bindSource(
  fd: number,
  { to, sourcePort }: { readonly to: string; readonly sourcePort?: number | undefined },
): void {
  if (sourcePort === undefined) return;
  libc.setOption(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
  libc.bind(fd, libc.socketAddress(to.includes(':') ? '::' : '0.0.0.0', sourcePort));
}

/** What an answered call means; undefined: nothing yet that belongs to it. */
function answerOf({ fd, probe, identifier, sourcePort }: Call): Outcome | undefined {
  if (probe.protocol === 'TCP') {
    // Reading the error clears it, so it is read once.
    const error = libc.socketError(fd);
    if (error === 0) return 'allowed';
    return error === libc.ECONNREFUSED ? 'refused' : 'blocked';
  }
  const received = libc.receive(fd);
  if (received === undefined) return libc.errno() === libc.ECONNREFUSED ? 'refused' : undefined;
  if (probe.protocol === 'UDP') return 'allowed';
  // Raw IPv4 sockets hear the IP header, too.
  const body = probe.to.includes(':') ? received.data : received.data.subarray(20);
  if (probe.protocol === 'ICMP')
    return (body[0] === 0 || body[0] === 129) && body.readUInt16BE(4) === identifier ? 'allowed' : undefined;
  const isOurs = body[12] === 2 && body.readUInt16BE(0) === probe.port && body.readUInt16BE(2) === sourcePort;
  return isOurs ? 'allowed' : undefined;
}

function serve({ fd, kind }: Server, awaited: Map<number, number | undefined>): void {
  if (kind === 'TCP') {
    for (let accepted = libc.accept(fd); accepted !== undefined; accepted = libc.accept(fd)) {
      if (awaited.has(accepted.port)) awaited.set(accepted.port, accepted.fd);
      else libc.close(accepted.fd);
    }
    return;
  }
  for (let received = libc.receiveAt(fd); received !== undefined; received = libc.receiveAt(fd)) {
    if (kind === 'UDP') {
      libc.answer(fd, received.data, received);
      continue;
    }
    const body = kind === 'SCTP4' ? received.data.subarray(20) : received.data;
    if (body[12] !== 1) continue;
    const ports = { sourcePort: body.readUInt16BE(2), destinationPort: body.readUInt16BE(0) };
    libc.answer(fd, sctpInit(ports, 2, body.readUInt32BE(16)), received);
  }
}
