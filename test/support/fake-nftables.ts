/** nft in memory: the same transactions, the same refusals, all or nothing. Held to the real one by a shared suite. */
import { messageOf } from '../../src/generic/message-of.js';
import { elementsToJson } from '../../src/nftables/language/elements.js';
import {
  NftError,
  type ListedObject,
  type Nftables,
  type Ruleset,
  type Transaction,
} from '../../src/nftables/language/types.js';
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

  list(family: Ruleset['family']): Promise<readonly ListedObject[] | undefined> {
    const { exists, state } = this.#tables[family];
    return Promise.resolve(exists ? listing(family, state) : undefined);
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
      for (const command of transaction.commands)
        this.#tables[familyOf(command)].apply({ effect: transaction.effect, commands: [command] });
      if (!keep) this.#restore(before);
      return Promise.resolve();
    } catch (error) {
      this.#restore(before);
      return Promise.reject(new NftError('refused', messageOf(error)));
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

function familyOf(command: Readonly<Record<string, unknown>>): 'inet' | 'netdev' {
  const [object] = Object.values(Object.values(command)[0] as Record<string, { family: 'inet' | 'netdev' }>);
  return object?.family ?? 'inet';
}

function listing(family: Ruleset['family'], { counters, sets, chains, table }: Ruleset): ListedObject[] {
  const common = { family, table };
  return [
    { table: { family, name: table } },
    ...[...counters].map((name) => ({ counter: { ...common, name, packets: 0, bytes: 0 } })),
    ...[...sets.values()].map((set) => {
      const { name, type, verdicts, interval, dynamic, elements } = set;
      const flags = [...(interval ? ['interval'] : []), ...(dynamic ? ['timeout'] : [])];
      const body = {
        ...common,
        name,
        type: type.length === 1 ? type[0] : type,
        ...(flags.length > 0 ? { flags } : {}),
        ...(dynamic ? { timeout: dynamic.timeoutSeconds, size: dynamic.size } : {}),
        ...(elements.size > 0 ? { elem: elementsToJson(set, [...elements]) } : {}),
      };
      return verdicts ? { map: { ...body, map: 'verdict' } } : { set: body };
    }),
    ...[...chains.values()].map(({ name, hook }) => ({
      chain: {
        ...common,
        name,
        ...(hook && { type: hook.type, hook: hook.hook, prio: hook.priority, policy: hook.policy }),
      },
    })),
    ...[...chains.values()].flatMap(({ name, rules }) =>
      rules.map(({ statements, comment }) => ({
        rule: { ...common, chain: name, expr: statements, ...(comment === undefined ? {} : { comment }) },
      })),
    ),
  ];
}
