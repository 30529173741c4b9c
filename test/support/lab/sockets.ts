/** Node's own sockets in another network namespace: opened there, then handed over by their descriptors. */
import { Agent } from 'node:https';
import { Socket } from 'node:net';
import { connect as secure, type ConnectionOptions } from 'node:tls';
import * as libc from './libc.js';

export interface SocketPlace {
  readonly namespace: string;
  /** IPv4. */
  readonly address: string;
  readonly port: number;
}

/** Waits for the handshake, which does not take long inside a lab. */
export function connectIn({ namespace, address, port }: SocketPlace): Socket {
  const fd = libc.inNamed(namespace, () => libc.socket(libc.AF_INET, libc.SOCK_STREAM));
  const begun = libc.connect(fd, libc.socketAddress(address, port)) === 0 ? 0 : libc.errno();
  if (begun === libc.EINPROGRESS) libc.poll([{ fd, events: libc.POLLOUT }], 1000);
  const failed = begun === libc.EINPROGRESS ? libc.socketError(fd) : begun;
  if (failed === 0) return new Socket({ fd, readable: true, writable: true });
  libc.close(fd);
  throw new Error(`connect to ${address}:${port} in ${namespace}: errno ${failed}`);
}

/** For `listen({ fd })`. */
export function listenIn({ namespace, address, port }: SocketPlace): number {
  const fd = libc.inNamed(namespace, () => libc.socket(libc.AF_INET, libc.SOCK_STREAM));
  libc.setOption(fd, libc.SOL_SOCKET, libc.SO_REUSEADDR, 1);
  libc.bind(fd, libc.socketAddress(address, port));
  libc.listen(fd);
  return fd;
}

/** Keeps its TLS connections; certificates are not looked at, since both ends are the test's own. */
export function agentIn(place: SocketPlace): Agent {
  const createConnection = (options: ConnectionOptions, failed: (error: unknown) => void) => {
    try {
      return secure({ ...options, rejectUnauthorized: false, socket: connectIn(place) });
    } catch (error) {
      // The request's own error, and nobody's exception.
      failed(error);
      return undefined;
    }
  };
  return Object.assign(new Agent({ keepAlive: true }), { createConnection });
}
