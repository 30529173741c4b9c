/** NFLOG without a kernel: the same messages, byte for byte, through the same decoding. */
import { NflogError } from '../../src/kernel/nflog/nflog-errors.js';
import type { NflogOptions, NflogReader } from '../../src/kernel/nflog/nflog-reader.js';
import { PacketDecoder } from '../../src/kernel/nflog/packet-decoder.js';

/** A group's kernel side. One reader at a time, as in the kernel; without one, what is logged is gone. */
export class FakeNflog {
  #reader: { readonly options: Pick<NflogOptions, 'onBatch'>; readonly reading: PacketDecoder } | undefined;
  #sequence = 0;

  /** As openNflog. @throws NflogError */
  open(options: Pick<NflogOptions, 'onBatch'>): Promise<NflogReader> {
    if (this.#reader !== undefined)
      return Promise.reject(new NflogError('group-in-use', 'NFLOG group 0 has another reader'));
    const reader = { options, reading: new PacketDecoder((ifindex) => (ifindex === 1 ? 'lo' : undefined), Date.now) };
    this.#reader = reader;
    this.#sequence = 0;
    return Promise.resolve({
      drained: () => Promise.resolve(this.#reader === reader),
      [Symbol.asyncDispose]: () => {
        this.#reader = undefined;
        return Promise.resolve();
      },
    });
  }

  /** A log rule matches. `time` in milliseconds since the epoch. */
  log(prefix: string, packet: Buffer, time = Date.now()): void {
    if (this.#reader === undefined) return;
    const { reading, options } = this.#reader;
    reading.add(datagram({ prefix, packet, time, sequence: this.#sequence }));
    this.#sequence += 1;
    const batch = reading.take();
    if (batch !== undefined) options.onBatch(batch);
  }

  /** The reader's buffer is full for so many packets. */
  lose(count: number): void {
    this.#sequence += count;
  }
}

interface Logged {
  readonly prefix: string;
  readonly packet: Buffer;
  readonly time: number;
  readonly sequence: number;
}

const snaplen = 128;

function datagram({ prefix, packet, time, sequence }: Logged): Buffer {
  const stamp = Buffer.alloc(16);
  stamp.writeBigUInt64BE(BigInt(Math.floor(time / 1000)));
  stamp.writeBigUInt64BE(BigInt(Math.round((time % 1000) * 1000)), 8);
  const body = Buffer.concat([
    Buffer.alloc(4),
    attribute(10, Buffer.from(`${prefix}\0`, 'latin1')),
    attribute(4, word(1)),
    attribute(3, stamp),
    attribute(9, packet.subarray(0, snaplen)),
    attribute(12, word(sequence)),
  ]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(header.length + body.length, 0);
  header.writeUInt16LE(4 << 8, 4);
  return Buffer.concat([header, body]);
}

function attribute(type: number, value: Buffer): Buffer {
  const encoded = Buffer.alloc((4 + value.length + 3) & ~3);
  encoded.writeUInt16LE(4 + value.length, 0);
  encoded.writeUInt16LE(type, 2);
  value.copy(encoded, 4);
  return encoded;
}

function word(value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32BE(value);
  return encoded;
}
