import { decodeDatagram, encodeBind, encodeSettings, type GroupSettings, type LoggedPacket } from './nflog-messages.js';

export type { LoggedPacket } from './nflog-messages.js';

/** Why the log of denials cannot be read; enforcement does not depend on it. */
export class NflogError extends Error {
  readonly reason: 'no-koffi' | 'group-in-use' | 'failed';

  constructor(reason: NflogError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NflogError';
    this.reason = reason;
  }
}

export interface NflogOptions {
  /** A group has one reader. */
  readonly group: number;
  readonly onPackets: (packets: readonly LoggedPacket[]) => void;
  /** The kernel's buffer was full: the next sequence number tells how much was lost. */
  readonly onOverrun: () => void;
  /** The socket failed for good. */
  readonly onFailure: (error: NflogError) => void;
}

const settings: Omit<GroupSettings, 'group'> = { copyRange: 128, bufferSize: 64 * 1024, timeout: 10 };
/** Of the socket, in bytes; beyond net.core.rmem_max, which NET_ADMIN may. */
const socketBuffer = 8 * 1024 * 1024;
const datagramSize = 128 * 1024;
/** How long a read waits, and so how long closing takes at most. */
const readMilliseconds = 250;

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const errnoOf = { EPERM: 1, EINTR: 4, EAGAIN: 11, EBUSY: 16, ENOBUFS: 105 } as const;

/**
 * Reads one NFLOG group of this network namespace until it is closed. The reads block in a thread of libuv's pool, so
 * the main thread only sees whole batches.
 * @throws NflogError
 */
export async function openNflog(options: NflogOptions): Promise<AsyncDisposable> {
  const socket = await openSocket();
  try {
    await configure(socket, { ...settings, group: options.group });
  } catch (error) {
    socket.close();
    throw error;
  }
  let closing = false;
  const ended = readAll(socket, options, () => closing).finally(() => socket.close());
  return {
    async [Symbol.asyncDispose]() {
      closing = true;
      await ended;
    },
  };
}

interface NetlinkSocket {
  send(message: Buffer): void;
  /** Bytes read, or the errno as a negative number. */
  receive(into: Buffer): Promise<number>;
  close(): void;
}

async function openSocket(): Promise<NetlinkSocket> {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new NflogError('no-koffi', 'the package koffi cannot be loaded on this machine', { cause });
  });
  const libc = koffi.load('libc.so.6');
  const socketCall = libc.func('int socket(int domain, int type, int protocol)');
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 length)');
  const sendCall = libc.func('long send(int fd, void *data, size_t length, int flags)');
  const recvCall = libc.func('long recv(int fd, void *data, size_t length, int flags)');
  const closeCall = libc.func('int close(int fd)');
  const fd = Number(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
  if (fd < 0) throw new NflogError('failed', `netlink socket: errno ${koffi.errno()}`);
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(socketBuffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer, buffer.length);
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(readMilliseconds) * 1000n, 8);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, timeout.length);
  return {
    send(message) {
      if (Number(sendCall(fd, message, message.length, 0)) < 0)
        throw new NflogError('failed', `netlink send: errno ${koffi.errno()}`);
    },
    receive: (into) =>
      new Promise((resolve, reject) => {
        recvCall.async(fd, into, into.length, 0, (error: Error | null, read: number | bigint) => {
          if (error !== null) reject(error);
          else resolve(Number(read) < 0 ? -koffi.errno() : Number(read));
        });
      }),
    close: () => void closeCall(fd),
  };
}

async function configure(socket: NetlinkSocket, group: GroupSettings): Promise<void> {
  for (const message of [encodeBind(group), encodeSettings(group)]) {
    socket.send(message);
    const answer = await answerOf(socket);
    if (answer === errnoOf.EPERM || answer === errnoOf.EBUSY)
      throw new NflogError(
        'group-in-use',
        `NFLOG group ${group.group} has another reader, or NET_ADMIN is missing; choose another with --audit-group`,
      );
    if (answer !== 0) throw new NflogError('failed', `NFLOG group ${group.group} refused: errno ${answer}`);
  }
}

async function answerOf(socket: NetlinkSocket): Promise<number> {
  const into = Buffer.alloc(datagramSize);
  for (;;) {
    const read = await socket.receive(into);
    if (read < 0) throw new NflogError('failed', `netlink: errno ${-read} instead of an answer`);
    const { answer } = decodeDatagram(into.subarray(0, read));
    if (answer !== undefined) return answer;
  }
}

async function readAll(socket: NetlinkSocket, options: NflogOptions, closing: () => boolean): Promise<void> {
  const into = Buffer.alloc(datagramSize);
  while (!closing()) {
    const read = await socket.receive(into);
    if (read >= 0) {
      const { packets } = decodeDatagram(into.subarray(0, read));
      if (packets.length > 0) options.onPackets(packets);
    } else if (read === -errnoOf.ENOBUFS) options.onOverrun();
    else if (read !== -errnoOf.EAGAIN && read !== -errnoOf.EINTR) {
      options.onFailure(new NflogError('failed', `reading NFLOG group ${options.group}: errno ${-read}`));
      return;
    }
  }
}
