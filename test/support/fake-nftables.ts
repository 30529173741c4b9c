/** nft in memory: the same transactions, the same refusals, all or nothing. Held to the real one by a shared suite. */
import { messageOf } from '../../src/generic/message-of.js';
import type { Transaction } from '../../src/nftables/language/command.js';
import { emptyRuleset, overwrite, type MutableRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { NftError, type Nftables } from '../../src/nftables/language/nftables.js';
import type { Ruleset, TableName } from '../../src/nftables/language/types.js';
import { FakeTable } from '../nftables/fake-table.js';

export class FakeNftables implements Nftables {
  readonly #tables = { inet: new FakeTable(), netdev: new FakeTable() };
  /** Applied transactions, in order. */
  readonly applied: Transaction[] = [];
  /** What the kernel would refuse, or how the world fails; thrown before anything is touched. */
  failWith: (transaction: Transaction) => NftError | undefined = () => undefined;

  check(transaction: Transaction): Promise<void> {
    return this.#run(transaction, false);
  }

  async apply(transaction: Transaction): Promise<void> {
    await this.#run(transaction, true);
    this.applied.push(transaction);
  }

  list({ family }: TableName): Promise<MutableRuleset | undefined> {
    const { exists, state } = this.#tables[family];
    return Promise.resolve(exists ? listed(state) : undefined);
  }

  hookDevices({ family }: TableName): Promise<ReadonlyMap<string, string>> {
    const { chains } = this.#tables[family].state;
    return Promise.resolve(
      new Map(
        [...chains].flatMap(([name, { hook }]) => (hook?.device === undefined ? [] : [[name, hook.device] as const])),
      ),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The policy table as it stands. */
  get ruleset(): Ruleset {
    return this.#tables.inet.state;
  }

  #run(transaction: Transaction, keep: boolean): Promise<void> {
    const failure = this.failWith(transaction);
    if (failure !== undefined) return Promise.reject(failure);
    const before = { inet: snapshotOf(this.#tables.inet), netdev: snapshotOf(this.#tables.netdev) };
    try {
      this.#tables[transaction.family].apply(transaction);
      if (!keep) this.#restore(before);
      return Promise.resolve();
    } catch (error) {
      this.#restore(before);
      return Promise.reject(error instanceof NftError ? error : new NftError('refused', messageOf(error)));
    }
  }

  #restore(before: Record<'inet' | 'netdev', Snapshot>): void {
    for (const family of ['inet', 'netdev'] as const) Object.assign(this.#tables[family], before[family]);
  }
}

type Snapshot = Pick<FakeTable, 'state' | 'exists'>;

function snapshotOf({ state, exists }: FakeTable): Snapshot {
  const sets = new Map([...state.sets].map(([name, set]) => [name, { ...set, elements: new Map(set.elements) }]));
  return { exists, state: { ...state, counters: new Set(state.counters), chains: new Map(state.chains), sets } };
}

/** As nft lists it: its device is no part of a chain. */
function listed(state: MutableRuleset): MutableRuleset {
  const copy = emptyRuleset(state.family, state.table);
  overwrite(copy, state);
  for (const [name, { hook, ...chain }] of copy.chains) {
    if (hook === undefined) continue;
    const { type, hook: point, priority, policy } = hook;
    copy.chains.set(name, { ...chain, hook: { type, hook: point, priority, policy } });
  }
  return copy;
}
