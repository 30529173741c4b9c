/** Community ID 1 with seed 0 (github.com/corelight/community-id-spec): one id for both directions of a flow. */
import { createHash } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import type { Address } from '../../model/address.js';

/** `ports` are the type and the code for ICMP, absent where the protocol has none. */
interface FlowTuple {
  /** IANA protocol number. */
  readonly protocol: number;
  readonly source: Address;
  readonly destination: Address;
  readonly ports?: readonly [source: number, destination: number];
}

const icmp = 1;
const icmp6 = 58;

/** Messages that answer each other; all others go one way. */
const counterparts: Readonly<Record<number, ReadonlyMap<number, number>>> = {
  [icmp]: pairs([8, 0], [13, 14], [15, 16], [17, 18], [10, 9]),
  [icmp6]: pairs([128, 129], [130, 131], [133, 134], [135, 136], [139, 140], [144, 145]),
};

function pairs(...list: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(list.flatMap(([request, reply]) => [[request, reply] as const, [reply, request] as const]));
}

/** `1:` and base64 of a SHA-1 over both ends in a fixed order. */
export function communityId(tuple: FlowTuple): string {
  const { ports, oneWay } = portsOf(tuple);
  const [source, destination] = [bytesOf(tuple.source), bytesOf(tuple.destination)];
  const order = Buffer.compare(source, destination);
  const swapped = !oneWay && (order > 0 || (order === 0 && ports !== undefined && ports[0] > ports[1]));
  const hash = createHash('sha1').update(Buffer.of(0, 0));
  hash.update(swapped ? destination : source).update(swapped ? source : destination);
  hash.update(Buffer.of(tuple.protocol, 0));
  if (ports !== undefined) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt16BE(ports[swapped ? 1 : 0], 0);
    bytes.writeUInt16BE(ports[swapped ? 0 : 1], 2);
    hash.update(bytes);
  }
  return `1:${hash.digest('base64')}`;
}

function portsOf({ protocol, ports }: FlowTuple): { ports: FlowTuple['ports']; oneWay: boolean } {
  const replies = counterparts[protocol];
  if (replies === undefined || ports === undefined) return { ports, oneWay: false };
  const reply = replies.get(ports[0]);
  return reply === undefined ? { ports, oneWay: true } : { ports: [ports[0], reply], oneWay: false };
}

const bytesOf = (address: Address): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());
