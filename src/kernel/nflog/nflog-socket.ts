/** The netlink socket of NFLOG, through koffi. Used in the worker only: its reads block. */
import { errnoOf, NflogError, type NflogReason } from './nflog-errors.js';
import { decodeDatagram, encodeBind, encodeSettings, type GroupSettings } from './netlink-messages.js';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_RCVBUFFORCE = 33;
const MSG_DONTWAIT = 0x40;

/** Bytes; more than net.core.rmem_max, which CAP_NET_ADMIN may set. */
const socketBuffer = 8 * 1024 * 1024;
export const datagramSize = 128 * 1024;

export interface NflogSocket extends Disposable {
  /** Bytes read, or the errno as a negative number: EAGAIN when nothing came for `readMilliseconds`, or at once. */
  receive(into: Buffer, wait: boolean): number;
  /** Name of a device; undefined when there is none of this index any more. */
  deviceName(ifindex: number): string | undefined;
}

/** How long a read waits, and so how long closing takes at most. */
const readMilliseconds = 250;

/**
 * Becomes the reader of a group in this thread's network namespace.
 * @throws NflogError
 */
export async function openSocket(settings: GroupSettings): Promise<NflogSocket> {
  const { default: koffi } = await import('koffi').catch((cause: unknown) => {
    throw new NflogError('no-koffi', 'the package koffi cannot be loaded on this machine', { cause });
  });
  const libc = koffi.load('libc.so.6');
  const socketCall = libc.func('int socket(int domain, int type, int protocol)');
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 length)');
  const sendCall = libc.func('long send(int fd, void *data, size_t length, int flags)');
  const recvCall = libc.func('long recv(int fd, void *data, size_t length, int flags)');
  const closeCall = libc.func('int close(int fd)');
  const nameCall = libc.func('void *if_indextoname(uint index, void *name)');

  const fd = Number(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
  if (fd < 0) throw new NflogError('failed', `netlink socket: errno ${koffi.errno()}`);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, int32(socketBuffer), 4);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeval(readMilliseconds), 16);
  const name = Buffer.alloc(16);
  const socket = {
    receive(into: Buffer, wait: boolean): number {
      const read = Number(recvCall(fd, into, into.length, wait ? 0 : MSG_DONTWAIT));
      return read < 0 ? -koffi.errno() : read;
    },
    deviceName: (ifindex: number) =>
      nameCall(ifindex, name) === null ? undefined : name.toString('latin1', 0, name.indexOf(0)),
    [Symbol.dispose]: () => void closeCall(fd),
  };
  try {
    for (const message of [encodeBind(settings), encodeSettings(settings)]) {
      if (Number(sendCall(fd, message, message.length, 0)) < 0)
        throw new NflogError('failed', `netlink send: errno ${koffi.errno()}`);
      refuse(answerOf(socket), settings.group);
    }
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
  return socket;
}

function answerOf(socket: Pick<NflogSocket, 'receive'>): number {
  const into = Buffer.alloc(datagramSize);
  for (;;) {
    const read = socket.receive(into, true);
    if (read < 0) throw new NflogError('failed', `netlink: errno ${-read} instead of an answer`);
    const { answer } = decodeDatagram(into.subarray(0, read));
    if (answer !== undefined) return answer;
  }
}

function refuse(answer: number, group: number): void {
  const reasons: Readonly<Record<number, readonly [NflogReason, string]>> = {
    [errnoOf.EPERM]: [
      'group-in-use',
      'has another reader, or CAP_NET_ADMIN is missing; choose another with --audit-group',
    ],
    [errnoOf.EBUSY]: ['group-in-use', 'has another reader; choose another with --audit-group'],
  };
  if (answer === 0) return;
  const [reason, text] = reasons[answer] ?? ['failed', `is refused by the kernel: errno ${answer}`];
  throw new NflogError(reason, `NFLOG group ${group} ${text}`);
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}

function timeval(milliseconds: number): Buffer {
  const buffer = Buffer.alloc(16);
  buffer.writeBigInt64LE(BigInt(milliseconds) * 1000n, 8);
  return buffer;
}
