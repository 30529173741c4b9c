/** Ethernet frames by hand. */
import { addressBytes } from './libc.js';

export const etherType = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd, serviceVlan: 0x88a8 } as const;

export const broadcastHardware = Buffer.alloc(6, 0xff);

export interface VlanTag {
  readonly type: typeof etherType.vlan | typeof etherType.serviceVlan;
  /** 0: a priority tag, which names no VLAN. */
  readonly id: number;
  readonly priority?: number;
}

export interface EthernetHeader {
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly type: number;
  /** Outermost first. */
  readonly tags?: readonly VlanTag[];
}

export function ethernetFrame({ source, destination, type, tags = [] }: EthernetHeader, payload: Buffer): Buffer {
  const words = [...tags.flatMap((tag) => [tag.type, ((tag.priority ?? 0) << 13) | tag.id]), type];
  const header = Buffer.alloc(2 * words.length);
  words.forEach((word, index) => header.writeUInt16BE(word, 2 * index));
  return Buffer.concat([destination, source, header, payload]);
}

/** The multicast hardware address of an IPv6 group, or of an address's solicited-node group. */
export function groupHardware(group: string): Buffer {
  return Buffer.concat([Buffer.from([0x33, 0x33]), addressBytes(group).subarray(12)]);
}

export function solicitedNodeGroup(address: string): string {
  const [high = 0, low = 0, last = 0] = addressBytes(address).subarray(13);
  return `ff02::1:ff${high.toString(16).padStart(2, '0')}:${((low << 8) | last).toString(16)}`;
}

export interface ArpFields {
  readonly operation: 'request' | 'reply';
  readonly sender: { readonly hardware: Buffer; readonly address: string };
  readonly target: { readonly hardware: Buffer; readonly address: string };
}

export function arpPacket({ operation, sender, target }: ArpFields): Buffer {
  return Buffer.concat([
    Buffer.from([0, 1, 8, 0, 6, 4, 0, operation === 'request' ? 1 : 2]),
    sender.hardware,
    addressBytes(sender.address),
    target.hardware,
    addressBytes(target.address),
  ]);
}
