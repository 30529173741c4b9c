/**
 * Netlink messages as bytes. Source: linux/netlink.h, linux/netfilter/nfnetlink.h. Lengths and types are in the machine's
 * byte order (little-endian on every machine that we build for), what netfilter adds is big-endian.
 */

const nested = 0x8000;
const headerLength = 16;
/** NLM_F_REQUEST and NLM_F_DUMP. */
export const requestAndDump = 0x301;
/** NLM_F_DUMP_INTR, of an answer: something was committed while the kernel dumped. */
export const interrupted = 0x10;
/** Type, length and alignment of an attribute or a message. */
const align = (length: number): number => (length + 3) & ~3;

export function attribute(type: number, value: Buffer): Buffer {
  const encoded = Buffer.alloc(align(4 + value.length));
  encoded.writeUInt16LE(4 + value.length, 0);
  encoded.writeUInt16LE(type, 2);
  value.copy(encoded, 4);
  return encoded;
}

export const nest = (type: number, ...attributes: readonly Buffer[]): Buffer =>
  attribute(type | nested, Buffer.concat(attributes));

export const textAttribute = (type: number, text: string): Buffer => attribute(type, Buffer.from(`${text}\0`));

export const numberAttribute = (type: number, value: number): Buffer => attribute(type, bigEndian(value));

export function bigEndian(value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeInt32BE(value | 0);
  return encoded;
}

/** `resource`: the subsystem that a batch is for. */
interface Message {
  readonly type: number;
  readonly flags: number;
  readonly family: number;
  readonly resource?: number;
}

export function message({ type, flags, family, resource = 0 }: Message, ...attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([family, 0, resource >> 8, resource & 0xff]), ...attributes]);
  const encoded = Buffer.alloc(align(headerLength + body.length));
  encoded.writeUInt32LE(headerLength + body.length, 0);
  encoded.writeUInt16LE(type, 4);
  encoded.writeUInt16LE(flags, 6);
  body.copy(encoded, headerLength);
  return encoded;
}

/** One message as it came: views of the datagram. */
interface Received {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** After the header that every message has. */
  readonly body: Buffer;
}

export function* messagesIn(datagram: Buffer): Generator<Received> {
  for (let at = 0; at + headerLength <= datagram.length;) {
    const length = datagram.readUInt32LE(at);
    if (length < headerLength || at + length > datagram.length) return;
    const body = datagram.subarray(at + headerLength, at + length);
    const [type, flags] = [datagram.readUInt16LE(at + 4), datagram.readUInt16LE(at + 6)];
    yield { type, flags, sequence: datagram.readUInt32LE(at + 8), body };
    at += align(length);
  }
}

interface ReceivedAttribute {
  /** Without its flags. */
  readonly type: number;
  readonly value: Buffer;
}

/** The attributes of a netfilter message: after the four bytes that each begins with; a nested attribute has them from the start. */
export function* attributesIn(body: Buffer, start = 4): Generator<ReceivedAttribute> {
  for (let at = start; at + 4 <= body.length;) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) return;
    yield { type: body.readUInt16LE(at + 2) & 0x3fff, value: body.subarray(at + 4, at + length) };
    at += align(length);
  }
}

/** Of an attribute whose text ends with a zero. */
export function textOf(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString('latin1', 0, end < 0 ? value.length : end);
}

/** Numbers the messages from `first` on. @returns the number after the last */
export function numberMessages(messages: Buffer, first: number): number {
  let sequence = first;
  for (let at = 0; at < messages.length; at += align(messages.readUInt32LE(at))) {
    messages.writeUInt32LE(sequence >>> 0, at + 8);
    sequence += 1;
  }
  return sequence;
}
