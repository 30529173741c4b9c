/** The netlink sockets that elements are written to and read from, through koffi. Used in the worker only: reads block. */
import { interrupted, messagesIn, numberMessages } from '../netlink/messages.js';
import { errnoOf, openNetlinkSocket } from '../netlink/socket.js';
import { generationIn, generationOffset, getGeneration } from './batch.js';
import { counterIn, getCounters } from './counter-dump.js';
import { addElements, getElements, isReadable } from './element-dump.js';
import type { ElementsPiece, ElementsRead, WriteOutcome } from './worker-messages.js';
import type { Element } from '../../nftables/language/command.js';
import type { SetForm, TableName } from '../../nftables/language/types.js';

const errorType = 2;
const doneType = 3;

/** Bytes. */
const socketBuffer = 4 * 1024 * 1024;
const datagramSize = 64 * 1024;
/** Milliseconds that the kernel may take for one batch: other commits hold its lock meanwhile. */
const answerWithin = 5000;
/** Commits of others that a batch, or a reading, is tried again after; then it is nft's. */
const attempts = 5;

/** A socket in this thread's network namespace. @throws Error when there is none */
export async function openElementSocket(): Promise<Exchange> {
  const socket = await openNetlinkSocket({ buffer: socketBuffer, readWithin: answerWithin });
  const into = Buffer.alloc(datagramSize);
  return new Exchange({
    send: (data) => -socket.send(data),
    receive: () => {
      for (;;) {
        const read = socket.receive(into, true);
        if (read >= 0) return into.subarray(0, read);
        if (read !== -errnoOf.EINTR) return -read;
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

/** Sends batches and requests, and reads what the kernel says to each. */
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
      const isRestart = outcome.kind === 'refused' && outcome.errno === errnoOf.ERESTART;
      if (!isRestart || attempt === attempts) return outcome;
    }
  }

  /** Packets of every named counter; none where there is no such table. Undefined when they cannot be read. */
  counters(table: TableName): readonly (readonly [string, number])[] | undefined {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const counters = this.#dumped(table);
      if (counters !== 'interrupted') return counters;
    }
    return undefined;
  }

  #dumped(table: TableName): readonly (readonly [string, number])[] | 'interrupted' | undefined {
    const request = getCounters(table);
    const own = this.#sequence;
    this.#sequence = numberMessages(request, own);
    if (this.#channel.send(request) !== 0) return undefined;
    const counters: (readonly [string, number])[] = [];
    let isWhole = true;
    for (;;) {
      const datagram = this.#channel.receive();
      if (typeof datagram === 'number') return undefined;
      for (const { type, flags, sequence, body } of messagesIn(datagram)) {
        if (sequence !== own) continue;
        if ((flags & interrupted) !== 0) isWhole = false;
        if (type === errorType) return undefined;
        if (type === doneType) return isWhole ? counters : 'interrupted';
        const counter = counterIn(type, body);
        if (counter !== undefined) counters.push(counter);
      }
    }
  }

  /**
   * The elements of a set, a datagram of the kernel's at a time: at most 32 KiB (netlink_recvmsg in
   * net/netlink/af_netlink.c). To be run to its end before anything else is asked for, also after it has said the end.
   */
  *elements(table: TableName, form: SetForm): Generator<ElementsPiece, void> {
    const generation = this.#generation();
    const request = getElements(table, form.name);
    const own = this.#sequence;
    this.#sequence = numberMessages(request, own);
    const isSent = isReadable(form) && this.#channel.send(request) === 0;
    for (let isOver = false; !isOver;) {
      const datagram = isSent && this.#channel.receive();
      if (!(datagram instanceof Buffer)) {
        yield { elements: [], end: 'unavailable' };
        return;
      }
      const elements: Element[] = [];
      let end: ElementsRead | undefined;
      for (const { type, sequence, body } of messagesIn(datagram)) {
        if (sequence !== own) continue;
        isOver = type === errorType || type === doneType;
        if (type === errorType) end = body.readInt32LE(0) === -errnoOf.ENOENT ? 'no set' : 'unavailable';
        // nf_tables_dump_set looks for the set before each datagram, and flags none as interrupted.
        else if (type === doneType)
          end ??= body.readInt32LE(0) === 0 && this.#generation() === generation ? 'read' : 'interrupted';
        else if (!addElements(body, form, elements)) end = 'unavailable';
      }
      yield end === undefined ? { elements } : { elements, end };
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
