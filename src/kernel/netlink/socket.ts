/** Netlink sockets of netfilter through koffi. Used in worker threads only: their calls block. */

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_CAP_ACK = 10;
const MSG_DONTWAIT = 0x40;

/** Source: asm-generic/errno.h; ERESTART is what nf_tables says to a batch of an old generation. */
export const errnoOf = { EPERM: 1, ENOENT: 2, EINTR: 4, EAGAIN: 11, EBUSY: 16, ERESTART: 85, ENOBUFS: 105 } as const;

interface SocketOptions {
  /** Bytes of each of its two buffers; beyond net.core.rmem_max, which CAP_NET_ADMIN may set. */
  readonly buffer: number;
  /** How long a read waits, in milliseconds. */
  readonly readWithin: number;
  /** Multicast groups that it hears. Source: linux/netfilter/nfnetlink.h. */
  readonly groups?: readonly number[];
}

/** Each call answers with an errno as a negative number where it fails. */
export interface NetlinkSocket extends Disposable {
  /** @returns 0, or the negative errno */
  send(data: Buffer): number;
  /** Bytes of one datagram. EAGAIN when nothing came in the socket's time, or at once without `wait`. */
  receive(into: Buffer, wait: boolean): number;
  /** Name of a device; undefined when there is none of this index any more. */
  deviceName(ifindex: number): string | undefined;
}

/**
 * A socket in this thread's network namespace.
 * @throws Error when koffi cannot be loaded, or the kernel refuses it
 */
export async function openNetlinkSocket({ buffer, readWithin, groups = [] }: SocketOptions): Promise<NetlinkSocket> {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new Error('the package koffi cannot be loaded on this machine', { cause });
  });
  const libc = koffi.load('libc.so.6');
  const socketCall = libc.func('int socket(int domain, int type, int protocol)');
  const bindCall = libc.func('int bind(int fd, void *address, uint32 length)');
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 length)');
  const sendCall = libc.func('long send(int fd, void *data, size_t length, int flags)');
  const recvCall = libc.func('long recv(int fd, void *data, size_t length, int flags)');
  const closeCall = libc.func('int close(int fd)');
  const nameCall = libc.func('void *if_indextoname(uint index, void *name)');

  const fd = Number(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
  if (fd < 0) throw new Error(`netlink socket: errno ${koffi.errno()}`);
  for (const option of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) setsockopt(fd, SOL_SOCKET, option, int32(buffer), 4);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval(readWithin), 16);
  // Without it a refusal repeats the whole message.
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, int32(1), 4);
  const refused = (what: string): Error => {
    const errno = koffi.errno();
    closeCall(fd);
    return new Error(`netlink ${what}: errno ${errno}`);
  };
  // The kernel gives it an address; without one it hears no group.
  if (bindCall(fd, netlinkAddress(), 12) !== 0) throw refused('bind');
  for (const group of groups)
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int32(group), 4) !== 0) throw refused(`group ${group}`);
  const name = Buffer.alloc(16);
  return {
    send: (data) => (Number(sendCall(fd, data, data.length, 0)) < 0 ? -koffi.errno() : 0),
    receive(into, wait) {
      const read = Number(recvCall(fd, into, into.length, wait ? 0 : MSG_DONTWAIT));
      return read < 0 ? -koffi.errno() : read;
    },
    deviceName: (ifindex) =>
      nameCall(ifindex, name) === null ? undefined : name.toString('latin1', 0, name.indexOf(0)),
    [Symbol.dispose]: () => void closeCall(fd),
  };
}

/** struct sockaddr_nl of any port. */
function netlinkAddress(): Buffer {
  const address = Buffer.alloc(12);
  address.writeUInt16LE(AF_NETLINK, 0);
  return address;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

function timeval(milliseconds: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0);
  buffer.writeBigInt64LE(BigInt(milliseconds % 1000) * 1000n, 8);
  return buffer;
}
