/**
 * The objects of a table, as values. Statements are nft's own JSON (libnftables-json(5)) in the forms that our rules have;
 * elements are canonical text, so that sets compare by value.
 */

/** What a rule looks at, exactly as `nft -j list` prints it. */
export type Expression =
  | { readonly ct: { readonly key: string; readonly dir?: 'original' | 'reply' } }
  | { readonly meta: { readonly key: string } }
  | { readonly payload: { readonly protocol: string; readonly field: string } }
  /** Bits that nft has no name for, by where they stand behind the start of a header. */
  | { readonly payload: { readonly base: 'nh' | 'th'; readonly offset: number; readonly len: number } }
  /** An IPv6 extension header (whether there is one, without a field), wherever it stands in the packet. */
  | { readonly exthdr: { readonly name: string; readonly field?: string } }
  | { readonly 'ip option': { readonly name: string } }
  /** What the node's routes say of an address. */
  | { readonly fib: { readonly result: 'type'; readonly flags: readonly string[] } }
  | { readonly concat: readonly Expression[] }
  /** Flags or bits of a field, masked. */
  | { readonly '&': readonly [field: Expression, mask: readonly string[] | number] };

/** What it is compared with; a reference to a set is `@NAME`, a list is any of several states. */
export type Operand =
  | string
  | number
  /** Whether something is there. */
  | true
  | readonly string[]
  | { readonly set: readonly Operand[] }
  | { readonly prefix: { readonly addr: string; readonly len: number } };

/** One statement of a rule, exactly as `nft -j list` prints it. */
export type Statement =
  | { readonly match: { readonly op: '==' | '!=' | '<=' | 'in'; readonly left: Expression; readonly right: Operand } }
  | { readonly vmap: { readonly key: Expression; readonly data: string } }
  | { readonly set: SetStatement }
  | { readonly limit: { readonly rate: number; readonly burst: number; readonly per: 'second' | 'minute' } }
  | { readonly log: LogStatement }
  | { readonly counter: string }
  | { readonly goto: { readonly target: string } }
  | { readonly jump: { readonly target: string } }
  | { readonly accept: null }
  | { readonly drop: null }
  | { readonly return: null };

/** Puts an element into a set; statements of it hold for that element alone. */
interface SetStatement {
  readonly op: 'add' | 'update';
  readonly elem: Expression;
  readonly set: string;
  readonly stmt?: readonly Statement[];
}

interface LogStatement {
  readonly prefix: string;
  readonly group: number;
  readonly snaplen: number;
  readonly 'queue-threshold': number;
}

export interface Rule {
  readonly statements: readonly Statement[];
  /** At most 128 bytes in nft. */
  readonly comment?: string;
}

export interface Hook {
  readonly type: 'filter';
  readonly hook: 'forward' | 'ingress' | 'egress';
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
  /** netdev chains only. */
  readonly device?: string;
}

export interface Chain {
  readonly name: string;
  /** What it is for, as all titles: a comment in the kernel, by which nothing is compared. */
  readonly title?: string;
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/**
 * nft's type words; several of them are a concatenation. `integer` stands for 128 bits of a header: an IPv6 address where
 * nft has no name for it.
 */
export type KeyType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'integer' | 'iface_index';

/** What a set, or a verdict map when `verdicts` is true, may hold. */
export interface SetForm {
  readonly name: string;
  readonly title?: string;
  readonly type: readonly KeyType[];
  readonly verdicts: boolean;
  readonly interval: boolean;
  /** Elements are added by packets: the listing's elements are not ours to compare. Without a time-out they stay. */
  readonly dynamic?: { readonly timeoutSeconds?: number; readonly size: number };
  /** What ours never has: a statement that is evaluated with each element, or that elements cannot change. */
  readonly isForeign?: boolean;
}

/**
 * An element's key is canonical text: parts joined by ` . `, a network as `10.0.0.0/8`, a range of ports as `80-90`. In a
 * set the value is '', in a verdict map `goto NAME`.
 */
export interface NftSet extends SetForm {
  readonly elements: ReadonlyMap<string, string>;
}

export interface TableName {
  readonly family: 'inet' | 'netdev';
  readonly table: string;
}

/** An object of a kind that we never write, as nft names that kind: `quota`, `ct helper`. */
export interface OtherObject {
  readonly kind: string;
  readonly name: string;
}

/** Our whole table. */
export interface Ruleset extends TableName {
  readonly title?: string;
  /** It has flags, and ours has none: nft has one by which no chain of the table is hooked, `dormant`. */
  readonly isFlagged?: boolean;
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, Chain>;
  /** By kind and name. */
  readonly others?: ReadonlyMap<string, OtherObject>;
}
