/**
 * What the kernel should hold, as values. Statements are nft's own JSON (libnftables-json(5)); elements are canonical
 * text, so that sets compare by value.
 */
import type { Effect } from '../../program/types.js';

/** One statement of a rule in libnftables-json form, exactly as `nft -j list` prints it. */
export type Statement = Readonly<Record<string, unknown>>;

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
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/** nft's type words; several of them are a concatenation. */
export type KeyType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service';

/**
 * A set, or a verdict map when `verdicts` is true. An element's key is canonical text: parts joined by ` . `, a network
 * as `10.0.0.0/8`, a range of ports as `80-90`. In a set the value is '', in a verdict map `goto NAME`.
 */
export interface NftSet {
  readonly name: string;
  /** For people who read the text; the kernel does not keep it. */
  readonly title?: string;
  readonly type: readonly KeyType[];
  readonly verdicts: boolean;
  readonly interval: boolean;
  /** Elements are added by packets: the listing's elements are not ours to compare. */
  readonly dynamic?: { readonly timeoutSeconds: number; readonly size: number };
  readonly elements: ReadonlyMap<string, string>;
}

/** Our whole table. */
export interface Ruleset {
  readonly family: 'inet' | 'netdev';
  readonly table: string;
  readonly counters: ReadonlySet<string>;
  readonly sets: ReadonlyMap<string, NftSet>;
  readonly chains: ReadonlyMap<string, Chain>;
}

/** One libnftables-json command object, for example `{ add: { chain: { … } } }`. */
export type Command = Readonly<Record<string, unknown>>;

/** Applied as one unit or not at all. */
export interface Transaction {
  readonly effect: Effect;
  readonly commands: readonly Command[];
}

/** The one door to nft. Errors are NftError. */
export interface Nftables {
  /** Dry run. */
  check(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  apply(transaction: Transaction, signal?: AbortSignal): Promise<void>;
  /** The table's objects as libnftables-json list objects, or undefined when there is no such table. */
  list(family: Ruleset['family'], table: string, signal?: AbortSignal): Promise<readonly ListedObject[] | undefined>;
  close(): Promise<void>;
}

/** One object of a listing: `{ chain: {…} }`, `{ rule: {…} }`, `{ set: {…} }`, `{ map: {…} }`, `{ counter: {…} }`. */
export type ListedObject = Readonly<Record<string, unknown>>;

/** nft refused (the transaction left no trace), is missing, is not allowed, or the kernel cannot. */
export class NftError extends Error {
  readonly reason: 'refused' | 'missing' | 'too-old' | 'not-permitted' | 'no-kernel-support' | 'failed';

  constructor(reason: NftError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NftError';
    this.reason = reason;
  }
}
