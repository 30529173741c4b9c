/** The few system calls that a prober needs and Node does not offer: above all setns(2), to open sockets in any namespace. */
import koffi from 'koffi';
import { openSync } from 'node:fs';
import { namespaceFolder } from '../runs.mjs';

const libc = koffi.load('libc.so.6');
const setns = libc.func('int setns(int fd, int nstype)');
const socketCall = libc.func('int socket(int domain, int type, int protocol)');
const connectCall = libc.func('int connect(int fd, void *address, uint32 length)');
const bindCall = libc.func('int bind(int fd, void *address, uint32 length)');
const listenCall = libc.func('int listen(int fd, int backlog)');
const acceptCall = libc.func('int accept(int fd, void *address, void *length)');
const closeCall = libc.func('int close(int fd)');
const sendCall = libc.func('long send(int fd, void *data, size_t length, int flags)');
const sendtoCall = libc.func(
  'long sendto(int fd, void *data, size_t length, int flags, void *address, uint32 addressLength)',
);
const recvfromCall = libc.func(
  'long recvfrom(int fd, void *data, size_t length, int flags, void *address, void *addressLength)',
);
// Without names: koffi keeps names for the whole process, and jest loads this module once for each test file.
const vector = koffi.struct({ base: 'void *', length: 'size_t' });
const messageHeader = koffi.struct({
  name: 'void *',
  nameLength: 'uint32',
  vectors: koffi.pointer(vector),
  count: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
});
const recvmsgCall = libc.func('recvmsg', 'long', ['int', koffi.inout(koffi.pointer(messageHeader)), 'int']);
const sendmsgCall = libc.func('sendmsg', 'long', ['int', koffi.pointer(messageHeader), 'int']);
const setsockoptCall = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 length)');
const getsockoptCall = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)');
const getsocknameCall = libc.func('int getsockname(int fd, void *address, void *length)');
const indexCall = libc.func('uint if_nametoindex(const char *name)');
const ioctlCall = libc.func('int ioctl(int fd, ulong request, void *argument)');
const pollCall = libc.func('int poll(void *fds, ulong count, int timeout)');

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const POLLIN = 1;
export const POLLOUT = 4;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_SCTP = 132;
export const IPPROTO_RAW = 255;
export const EINPROGRESS = 115;
export const EAGAIN = 11;
export const EPERM = 1;
export const ENETUNREACH = 101;
export const ECONNREFUSED = 111;
export const EHOSTUNREACH = 113;
const IP_PKTINFO = 8;
const IPV6_RECVPKTINFO = 49;
const SO_ERROR = 4;
const SO_LINGER = 13;
const SIOCGIFHWADDR = 0x8927;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const CLONE_NEWNET = 0x40000000;

const own = openSync('/proc/self/ns/net', 'r');

/** Runs `work` with this thread in another network namespace; sockets opened inside stay there. */
export function inNamespace<T>(namespaceFd: number, work: () => T): T {
  if (setns(namespaceFd, CLONE_NEWNET) !== 0) throw systemError('setns');
  try {
    return work();
  } finally {
    if (setns(own, CLONE_NEWNET) !== 0) throw systemError('setns back');
  }
}

export const openNamespace = (name: string): number => openSync(`${namespaceFolder}/${name}`, 'r');

/** As inNamespace, by name. */
export function inNamed<T>(name: string, work: () => T): T {
  const fd = openNamespace(name);
  try {
    return inNamespace(fd, work);
  } finally {
    close(fd);
  }
}

/** A non-blocking socket; negative results of later calls leave errno in `errno()`. */
export function socket(domain: number, type: number, protocol = 0): number {
  const fd = Number(socketCall(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (fd < 0) throw systemError(`socket(${domain}, ${type}, ${protocol})`);
  return fd;
}

export const errno = (): number => koffi.errno();
export const close = (fd: number): void => void closeCall(fd);
export const connect = (fd: number, address: Buffer): number => Number(connectCall(fd, address, address.length));
/** The accepted connection and its caller's port; undefined when nobody waits. */
export function accept(fd: number): { readonly fd: number; readonly port: number } | undefined {
  const from = Buffer.alloc(32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(from.length);
  const accepted = Number(acceptCall(fd, from, length));
  return accepted < 0 ? undefined : { fd: accepted, port: from.readUInt16BE(2) };
}

export const send = (fd: number, data: Buffer): number => Number(sendCall(fd, data, data.length, 0x4000));
export const sendTo = (fd: number, data: Buffer, address: Buffer): number =>
  Number(sendtoCall(fd, data, data.length, 0, address, address.length));

export function bind(fd: number, address: Buffer): void {
  if (Number(bindCall(fd, address, address.length)) !== 0) throw systemError('bind');
}

export function listen(fd: number): void {
  if (Number(listenCall(fd, 512)) !== 0) throw systemError('listen');
}

export interface Received {
  readonly data: Buffer;
  readonly from: Buffer;
}

/** One datagram, or undefined when there is none (or the socket has an error, see errno). */
export function receive(fd: number): Received | undefined {
  const data = Buffer.alloc(9216);
  const from = Buffer.alloc(32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(from.length);
  const count = Number(recvfromCall(fd, data, data.length, MSG_DONTWAIT, from, length));
  if (count < 0) return undefined;
  return { data: data.subarray(0, count), from: from.subarray(0, length.readUInt32LE()) };
}

export interface ReceivedAt extends Received {
  /** Control message that says which of our addresses was asked; without its device, an answer is sent with it. */
  readonly control: Buffer;
}

/** Makes a datagram or raw socket say which address a packet was sent to. */
export const receiveDestination = (fd: number, family: number): void =>
  family === AF_INET ? setOption(fd, 0, IP_PKTINFO, 1) : setOption(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);

/** As receive, with the address that the packet was sent to. */
export function receiveAt(fd: number): ReceivedAt | undefined {
  const [data, from, control] = [Buffer.alloc(9216), Buffer.alloc(32), Buffer.alloc(64)];
  const message = messageOf(data, from, control);
  const count = Number(recvmsgCall(fd, message, MSG_DONTWAIT));
  if (count < 0) return undefined;
  const used = control.subarray(0, message.controlLength);
  // The device follows 16 bytes of head, and in IPv6 the address, too: routes choose it for the answer.
  const device = used.readInt32LE(8) === IPPROTO_IPV6 ? 32 : 16;
  used.fill(0, device, device + 4);
  return { data: data.subarray(0, count), from: from.subarray(0, message.nameLength), control: used };
}

/** Answers from the address that was asked, or from any when that cannot be a source (a broadcast). */
export function answer(fd: number, data: Buffer, { from, control }: ReceivedAt): void {
  if (Number(sendmsgCall(fd, messageOf(data, from, control), 0)) < 0) sendTo(fd, data, from);
}

const messageOf = (data: Buffer, name: Buffer, control: Buffer) => ({
  name,
  nameLength: name.length,
  vectors: [{ base: data, length: data.length }],
  count: 1,
  control,
  controlLength: control.length,
  flags: 0,
});

export function setOption(fd: number, level: number, name: number, value: number | Buffer): void {
  const buffer = typeof value === 'number' ? Buffer.alloc(4) : value;
  if (typeof value === 'number') buffer.writeInt32LE(value);
  if (Number(setsockoptCall(fd, level, name, buffer, buffer.length)) !== 0)
    throw systemError(`setsockopt(${level}, ${name})`);
}

/** SO_ERROR: how a connect in the background ended; 0 is well. */
export function socketError(fd: number): number {
  const value = Buffer.alloc(4);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(4);
  getsockoptCall(fd, SOL_SOCKET, SO_ERROR, value, length);
  return value.readInt32LE();
}

/** Makes close(2) reset the connection instead of ending it; nothing waits in TIME_WAIT then. */
export function resetOnClose(fd: number): void {
  const linger = Buffer.alloc(8);
  linger.writeInt32LE(1);
  setOption(fd, SOL_SOCKET, SO_LINGER, linger);
}

/** What a socket is bound to, as a socket address. */
export function boundAddress(fd: number): Buffer {
  const address = Buffer.alloc(32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  if (Number(getsocknameCall(fd, address, length)) !== 0) throw systemError('getsockname');
  return address.subarray(0, length.readUInt32LE());
}

/** Index of a device in the namespace that the thread is in. */
export function deviceIndex(device: string): number {
  const index = Number(indexCall(device));
  if (index === 0) throw systemError(`if_nametoindex(${device})`);
  return index;
}

/** The 6 bytes of a device's hardware address, by any socket of its namespace. */
export function hardwareAddress(fd: number, device: string): Buffer {
  const request = Buffer.alloc(40);
  request.write(device, 'latin1');
  if (Number(ioctlCall(fd, SIOCGIFHWADDR, request)) !== 0) throw systemError(`hardware address of ${device}`);
  return Buffer.from(request.subarray(18, 24));
}

/** The descriptors that have any event; waits at most `milliseconds`. */
export function poll(
  watched: readonly { readonly fd: number; readonly events: number }[],
  milliseconds: number,
): Set<number> {
  const buffer = Buffer.alloc(8 * watched.length);
  watched.forEach(({ fd, events }, index) => {
    buffer.writeInt32LE(fd, 8 * index);
    buffer.writeInt16LE(events, 8 * index + 4);
  });
  pollCall(buffer, watched.length, milliseconds);
  return new Set(watched.filter((_, index) => buffer.readInt16LE(8 * index + 6) !== 0).map(({ fd }) => fd));
}

/** sockaddr_in or sockaddr_in6. */
export function socketAddress(address: string, port: number): Buffer {
  if (!address.includes(':')) {
    const buffer = Buffer.alloc(16);
    buffer.writeUInt16LE(AF_INET);
    buffer.writeUInt16BE(port, 2);
    address.split('.').forEach((byte, index) => buffer.writeUInt8(Number(byte), 4 + index));
    return buffer;
  }
  const buffer = Buffer.alloc(28);
  buffer.writeUInt16LE(AF_INET6);
  buffer.writeUInt16BE(port, 2);
  addressBytes(address).copy(buffer, 8);
  return buffer;
}

/** 4 or 16 bytes. */
export function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const words = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [left, right] = [words(head), words(tail ?? '')];
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const buffer = Buffer.alloc(16);
  [...left, ...middle, ...right].forEach((word, index) => buffer.writeUInt16BE(parseInt(word, 16), 2 * index));
  return buffer;
}

function systemError(call: string): Error {
  return new Error(`${call}: errno ${koffi.errno()}`);
}
