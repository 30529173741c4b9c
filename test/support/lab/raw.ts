/** Packets and frames past the kernel's own protocols: sent by hand, and seen as they arrive. */
import { setTimeout as delay } from 'node:timers/promises';
import * as libc from './libc.js';

const allProtocols = 0x0003;
/** sll_pkttype of a frame that the device itself sends. */
const outgoing = 4;

/** Sends a whole Ethernet frame out of a device. */
export function sendFrame(namespace: string, device: string, frame: Buffer): void {
  const { fd, address } = packetSocket(namespace, device, 0);
  try {
    if (libc.sendTo(fd, frame, address) !== frame.length) throw new Error(`frame not sent: errno ${libc.errno()}`);
  } finally {
    libc.close(fd);
  }
}

/** Sends an IP packet with its own header; the kernel routes it, whatever its source. */
export const sendIp = (namespace: string, packet: Buffer): void => sendAllIp(namespace, [packet]);

/** The same for many to one destination. */
export function sendAllIp(namespace: string, packets: readonly Buffer[]): void {
  const [packet] = packets;
  if (packet === undefined) return;
  const isV6 = (packet[0] ?? 0) >> 4 === 6;
  const destination = isV6 ? packet.subarray(24, 40) : packet.subarray(16, 20);
  const address = libc.socketAddress(isV6 ? '::' : '0.0.0.0', 0);
  destination.copy(address, isV6 ? 8 : 4);
  const domain = isV6 ? libc.AF_INET6 : libc.AF_INET;
  const fd = libc.inNamed(namespace, () => libc.socket(domain, libc.SOCK_RAW, libc.IPPROTO_RAW));
  try {
    for (const one of packets)
      if (libc.sendTo(fd, one, address) !== one.length) throw new Error(`packet not sent: errno ${libc.errno()}`);
  } finally {
    libc.close(fd);
  }
}

export function hardwareAddressOf(namespace: string, device: string): Buffer {
  const fd = libc.inNamed(namespace, () => libc.socket(libc.AF_INET, libc.SOCK_DGRAM));
  try {
    return libc.hardwareAddress(fd, device);
  } finally {
    libc.close(fd);
  }
}

/**
 * What arrives at a device from the moment it is opened. The kernel takes the outermost VLAN tag off before anyone sees
 * a frame, so tagged frames look untagged here.
 */
export class Capture implements Disposable {
  readonly #fd: number;

  constructor(namespace: string, device: string) {
    const { fd, address } = packetSocket(namespace, device, allProtocols);
    this.#fd = fd;
    libc.bind(fd, address);
  }

  /** All frames that arrive in so many milliseconds and match. */
  async frames(matches: (frame: Buffer) => boolean, milliseconds: number): Promise<Buffer[]> {
    return this.#collect(matches, milliseconds, Infinity);
  }

  /** Whether a matching frame arrives in time; returns with the first. */
  async sees(matches: (frame: Buffer) => boolean, milliseconds = 400): Promise<boolean> {
    return (await this.#collect(matches, milliseconds, 1)).length > 0;
  }

  [Symbol.dispose](): void {
    libc.close(this.#fd);
  }

  async #collect(matches: (frame: Buffer) => boolean, milliseconds: number, enough: number): Promise<Buffer[]> {
    const found: Buffer[] = [];
    const deadline = performance.now() + milliseconds;
    do {
      for (let got = libc.receive(this.#fd); got !== undefined; got = libc.receive(this.#fd)) {
        if (got.from[10] !== outgoing && matches(got.data)) found.push(got.data);
        if (found.length >= enough) return found;
      }
      await delay(2);
    } while (performance.now() < deadline);
    return found;
  }
}

/** An AF_PACKET socket and the sockaddr_ll of its device. Protocol 0 hears nothing. */
function packetSocket(namespace: string, device: string, protocol: number): { fd: number; address: Buffer } {
  return libc.inNamed(namespace, () => {
    const address = Buffer.alloc(20);
    address.writeUInt16LE(libc.AF_PACKET, 0);
    address.writeUInt16BE(protocol, 2);
    address.writeInt32LE(libc.deviceIndex(device), 4);
    return { fd: libc.socket(libc.AF_PACKET, libc.SOCK_RAW, 0), address };
  });
}
