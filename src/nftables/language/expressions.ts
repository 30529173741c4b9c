/** The few expressions that our rules need, in exactly the JSON that nft 1.0.6 lists, so that rules compare by value. */
import { addressToNumber, type Address, type Family } from '../../model/address.js';
import type { Expression, Operand, Statement } from './types.js';

export type { Expression } from './types.js';
type FlowDirection = 'original' | 'reply';

const addressKey = (family: Family): string => (family === 'IPv4' ? 'ip saddr' : 'ip6 saddr');
const header = (family: Family): string => (family === 'IPv4' ? 'ip' : 'ip6');

/** Client: source of the flow's first packet. */
export const client = (family: Family): Expression => ({ ct: { key: addressKey(family), dir: 'original' } });
/** Server: who answers, so that a Service's address is already resolved. */
export const server = (family: Family): Expression => ({ ct: { key: addressKey(family), dir: 'reply' } });
export const flowPort = (sender: FlowDirection): Expression => ({ ct: { key: 'proto-src', dir: sender } });
/** Listed without a direction, whatever was loaded: a flow has one protocol. */
export const flowProtocol: Expression = { ct: { key: 'protocol' } };
export const packetProtocol: Expression = { meta: { key: 'l4proto' } };
/** The device that the packet came in by: for a bridged packet the bridge. */
export const packetDevice: Expression = { meta: { key: 'iif' } };
export const packetAddress = (family: Family, field: 'saddr' | 'daddr'): Expression => ({
  payload: { protocol: header(family), field },
});
export const headerField = (protocol: string, field: string): Expression => ({ payload: { protocol, field } });
/** So many bits of a header, so many behind its start, where nft has no name for them (`nh` is the IP header). */
export const bits = (base: 'nh' | 'th', offset: number, len: number): Expression => ({
  payload: { base, offset, len },
});
/** The target address of neighbour discovery, which nft 1.0.6 knows by its place only. */
export const neighbourTarget = bits('th', 64, 128);
/** What 128 bits that nft does not know as an address are compared with. */
export const addressBits = (address: Address): string => `0x${addressToNumber(address).toString(16)}`;
export const masked = (field: Expression, mask: number): Expression => ({ '&': [field, mask] });
export const extensionHeader = (name: string, field?: string): Expression => ({
  exthdr: { name, ...(field === undefined ? {} : { field }) },
});
export const ipOption = (name: string): Expression => ({ 'ip option': { name } });
/** How the node's routes have it: `local` is any address of the node itself. */
export const destinationKind: Expression = { fib: { result: 'type', flags: ['daddr'] } };
export const concat = (...parts: readonly Expression[]): Expression => ({ concat: parts });
export const reference = (set: string): string => `@${set}`;

/** Who talks to whom on what; the protocol must have ports. */
export const relation = (family: Family, protocol: Expression): Expression =>
  concat(client(family), server(family), protocol, flowPort('reply'));

/** Who asks whom, on which port: what rules of policies match. */
export interface RelationView {
  readonly client: (family: Family) => Expression;
  readonly server: (family: Family) => Expression;
  readonly serverPort: Expression;
  readonly protocol: Expression;
  /** Types the port for nft. */
  readonly hasPorts: Statement;
  /** nft types the addresses of a header by themselves, and lists no family before them. */
  readonly namesFamily: boolean;
}

/** How a packet without a flow may be read by its header: the sender asks, or it answers. */
export const headerReadings = ['flow', 'answer'] as const;
export type HeaderReading = (typeof headerReadings)[number];

/** One flow; its protocol must have ports. */
export const fullTuple = (family: Family): Expression =>
  concat(client(family), flowPort('original'), server(family), flowPort('reply'));

export const match = (left: Expression, right: Operand, op: '==' | '!=' | '<=' | 'in' = '=='): Statement => ({
  match: { op, left, right },
});
export const inSet = (left: Expression, set: string): Statement => match(left, reference(set));
export const notInSet = (left: Expression, set: string): Statement => match(left, reference(set), '!=');
/** A set of one is listed as the value itself. @param values in the order in which nft lists them */
export const anyOf = (left: Expression, values: readonly Operand[], op: '==' | '!=' = '=='): Statement =>
  match(left, values.length === 1 ? (values[0] as Operand) : { set: values }, op);
export const flowState = (...states: readonly string[]): Statement =>
  match({ ct: { key: 'state' } }, states.length === 1 ? (states[0] as string) : states, 'in');
export const ofFamily = (family: Family): Statement =>
  match({ meta: { key: 'nfproto' } }, family === 'IPv4' ? 'ipv4' : 'ipv6');

export const flowDirection = (direction: FlowDirection): Statement => match({ ct: { key: 'direction' } }, direction);

const withPorts = ['tcp', 'udp', 'sctp'];
/** Types the port for nft, for a packet itself; never true of an ICMP error. */
export const packetHasPorts = anyOf(packetProtocol, withPorts);
/**
 * Types the port for nft, and is true of a flow's packets and of the ICMP errors that quote it alike. It must stand
 * before the concatenation with the port, and with two protocols or more: nft folds a set of one and loses the type.
 */
export const flowHasPorts = anyOf(flowProtocol, withPorts);

export const byFlow: RelationView = {
  client,
  server,
  serverPort: flowPort('reply'),
  protocol: flowProtocol,
  hasPorts: flowHasPorts,
  namesFamily: false,
};

const byHeader = (asking: 'saddr' | 'daddr', asked: 'saddr' | 'daddr', port: 'sport' | 'dport'): RelationView => ({
  client: (family) => packetAddress(family, asking),
  server: (family) => packetAddress(family, asked),
  serverPort: headerField('th', port),
  protocol: packetProtocol,
  hasPorts: packetHasPorts,
  namesFamily: true,
});

export const byHeaderAs: Readonly<Record<HeaderReading, RelationView>> = {
  flow: byHeader('saddr', 'daddr', 'dport'),
  answer: byHeader('daddr', 'saddr', 'sport'),
};

export const goto = (target: string): Statement => ({ goto: { target } });
export const jump = (target: string): Statement => ({ jump: { target } });
export const back: Statement = { return: null };
export const accept: Statement = { accept: null };
export const drop: Statement = { drop: null };
export const count = (counter: string): Statement => ({ counter });
export const dispatch = (key: Expression, map: string): Statement => ({ vmap: { key, data: reference(map) } });
export const record = (operation: 'add' | 'update', elem: Expression, set: string): Statement => ({
  set: { op: operation, elem, set: reference(set) },
});

/** Packets a second, or other period; true of those within the rate. */
export const limit = (rate: number, burst: number, per: 'second' | 'minute' = 'second'): Statement => ({
  limit: { rate, burst, per },
});
/** A limit for every element; false beyond it, and false when the set has no room for the element. */
export const recordLimited = (elem: Expression, set: string, limited: Statement): Statement => ({
  set: { op: 'update', elem, set: reference(set), stmt: [limited] },
});
export const log = (
  prefix: string,
  { group, snaplen, queueThreshold }: { group: number; snaplen: number; queueThreshold: number },
): Statement => ({ log: { prefix, group, snaplen, 'queue-threshold': queueThreshold } });
