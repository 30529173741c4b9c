/** The netlink socket of NFLOG, through koffi. Used in the worker only: its reads block. */
import { errnoOf, openNetlinkSocket, type NetlinkSocket } from '../netlink/socket.js';
import { NflogError, type NflogReason } from './nflog-errors.js';
import { decodeDatagram, encodeBind, encodeSettings, type GroupSettings } from './netlink-messages.js';

/** Bytes. */
const socketBuffer = 8 * 1024 * 1024;
export const datagramSize = 128 * 1024;
/** How long a read waits, and so how long closing takes at most, in milliseconds. */
const readWithin = 250;

/**
 * Becomes the reader of a group in this thread's network namespace.
 * @throws NflogError
 */
export async function openSocket(settings: GroupSettings): Promise<NetlinkSocket> {
  const socket = await openNetlinkSocket({ buffer: socketBuffer, readWithin }).catch((cause: unknown) => {
    throw new NflogError('failed', cause instanceof Error ? cause.message : String(cause), { cause });
  });
  try {
    for (const message of [encodeBind(settings), encodeSettings(settings)]) {
      const sent = socket.send(message);
      if (sent < 0) throw new NflogError('failed', `netlink send: errno ${-sent}`);
      refuse(answerOf(socket), settings.group);
    }
  } catch (error) {
    socket[Symbol.dispose]();
    throw error;
  }
  return socket;
}

function answerOf(socket: Pick<NetlinkSocket, 'receive'>): number {
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
