/** The netlink socket that elements are written to, through koffi. Used in the worker only: its reads block. */
import { messagesIn, numberMessages } from './attributes.js';
import { generationIn, generationOffset, getGeneration } from './batch.js';
import type { WriteOutcome } from './worker-messages.js';

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_NETFILTER = 12;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const errorType = 2;
const EINTR = 4;
const ERESTART = 85;

/** Bytes; what CAP_NET_ADMIN may set beyond net.core.wmem_max. */
const socketBuffer = 4 * 1024 * 1024;
const datagramSize = 64 * 1024;
/** How long the kernel may take for one batch: other commits hold its lock meanwhile. */
const answerSeconds = 5;
/** Commits of others that a batch is tried again after; then nft, which waits for its turn otherwise, applies it. */
const attempts = 5;

/** A socket in this thread's network namespace. @throws Error when it cannot be had */
export async function openElementSocket(): Promise<Exchange> {
  const { default: koffi } = await import('koffi');
  const libc = koffi.load('libc.so.6');
  const socketCall = libc.func('int socket(int domain, int type, int protocol)');
  const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, uint32 length)');
  const sendCall = libc.func('long send(int fd, void *data, size_t length, int flags)');
  const recvCall = libc.func('long recv(int fd, void *data, size_t length, int flags)');

  const fd = Number(socketCall(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_NETFILTER));
  if (fd < 0) throw new Error(`netlink socket: errno ${koffi.errno()}`);
  for (const option of [SO_SNDBUFFORCE, SO_RCVBUFFORCE]) setsockopt(fd, SOL_SOCKET, option, int32(socketBuffer), 4);
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(answerSeconds), 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, timeout, 16);
  // Without it a refusal repeats the whole message.
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, int32(1), 4);
  const into = Buffer.alloc(datagramSize);
  return new Exchange({
    send: (data) => (Number(sendCall(fd, data, data.length, 0)) < 0 ? koffi.errno() : 0),
    receive: () => {
      for (;;) {
        const read = Number(recvCall(fd, into, into.length, 0));
        if (read >= 0) return into.subarray(0, read);
        if (koffi.errno() !== EINTR) return koffi.errno();
      }
    },
  });
}

/** A datagram, or the errno. */
interface Channel {
  /** @returns 0, or the errno */
  readonly send: (data: Buffer) => number;
  readonly receive: () => Buffer | number;
}

/** Sends batches and reads what the kernel says to each. */
export class Exchange {
  readonly #channel: Channel;
  #sequence = 1;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  write(batch: Buffer): WriteOutcome {
    for (let attempt = 1; ; attempt += 1) {
      const generation = this.#generation();
      if (typeof generation === 'object') return generation;
      batch.writeUInt32BE(generation, generationOffset);
      const outcome = this.#send(batch);
      const isRestart = outcome.kind === 'refused' && outcome.errno === ERESTART;
      if (!isRestart || attempt === attempts) return outcome;
    }
  }

  /** Of the ruleset of this namespace; every commit to any table raises it. */
  #generation(): number | WriteOutcome {
    const request = getGeneration();
    const sequence = this.#sequence;
    this.#sequence = numberMessages(request, sequence);
    const sent = this.#channel.send(request);
    if (sent !== 0) return { kind: 'refused', errno: sent };
    for (;;) {
      const datagram = this.#channel.receive();
      if (typeof datagram === 'number') return { kind: 'refused', errno: datagram };
      for (const one of messagesIn(datagram)) {
        if (one.sequence !== sequence) continue;
        const found = generationIn(one.type, one.body);
        if (found !== undefined) return found;
        if (one.type === errorType) return { kind: 'refused', errno: -one.body.readInt32LE(0) };
      }
    }
  }

  /**
   * The kernel refuses a batch by an error for its first message, or for any message that it does not take, and answers
   * the last that asks for it (the one before the end) in any case but a refusal of the whole.
   */
  #send(batch: Buffer): WriteOutcome {
    const first = this.#sequence;
    this.#sequence = numberMessages(batch, first);
    const lastAnswered = this.#sequence - 2;
    const sent = this.#channel.send(batch);
    if (sent !== 0) return { kind: 'refused', errno: sent };
    let errno = 0;
    for (;;) {
      const datagram = this.#channel.receive();
      if (typeof datagram === 'number') return { kind: 'unknown', errno: datagram };
      for (const { type, sequence, body } of messagesIn(datagram)) {
        if (type !== errorType || sequence < first || sequence >= this.#sequence) continue;
        errno ||= -body.readInt32LE(0);
        if (errno !== 0 && sequence === first) return { kind: 'refused', errno };
        if (sequence === lastAnswered) return errno === 0 ? { kind: 'written' } : { kind: 'refused', errno };
      }
    }
  }
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
