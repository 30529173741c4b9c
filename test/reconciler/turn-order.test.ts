/** Turns on a table of a few chains: what one leaves stays while another may refer to it, and none waits for itself. */
import { describe, expect, test } from '@jest/globals';
import { emptyRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import type { NftSet } from '../../src/nftables/language/types.js';
import { DirtyCollector, type Dirty } from '../../src/nftables/render/dirty.js';
import { CacheRenewal } from '../../src/reconciler/cache-renewal.js';
import { PolicyTable } from '../../src/reconciler/policy-table.js';
import type { TableChange, TableTurn } from '../../src/reconciler/table-turn.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { ManualClock } from '../support/manual-clock.js';

const dispatch = 'dispatch';

/** A map sends addresses to chains, which may jump to others or match sets; a test desires and says what is dirty. */
class SmallTable {
  readonly nft = new FakeNftables();
  readonly desired = emptyRuleset();
  readonly policies: PolicyTable;
  #dirty = new DirtyCollector();

  constructor() {
    const clock = new ManualClock();
    const cache = new CacheRenewal(clock, () => undefined);
    this.policies = new PolicyTable({ nftables: this.nft, clock, cache, desired: this.desired });
    this.set(dispatch, { verdicts: true });
  }

  chain(name: string, ...targets: readonly string[]): this {
    const statements = targets.map((target) =>
      target.startsWith('@')
        ? { match: { op: '==', left: { meta: { key: 'mark' } }, right: target } as const }
        : { jump: { target } },
    );
    this.desired.chains.set(name, { name, rules: statements.map((one) => ({ statements: [one] })) });
    this.#dirty.chains.add(name);
    return this;
  }

  set(name: string, form: Partial<NftSet> = {}): this {
    this.desired.sets.set(name, {
      name,
      type: ['ipv4_addr'],
      verdicts: false,
      interval: false,
      ...form,
      elements: new Map(),
    });
    this.#dirty.sets.add(name);
    return this;
  }

  without(...names: readonly string[]): this {
    for (const name of names) {
      if (this.desired.chains.delete(name)) this.#dirty.chains.add(name);
      if (this.desired.sets.delete(name)) this.#dirty.sets.add(name);
    }
    return this;
  }

  send(address: string, chain: string | undefined): this {
    const { elements } = this.desired.sets.get(dispatch) ?? {};
    if (chain === undefined) elements?.delete(address);
    else elements?.set(address, `goto ${chain}`);
    this.#dirty.element(dispatch, address);
    return this;
  }

  /** What was desired since the last change. */
  get change(): TableChange {
    const dirty: Dirty = this.#dirty;
    this.#dirty = new DirtyCollector();
    return { dirty, effect: 'narrows' };
  }

  begin(): TableTurn {
    return this.policies.begin(this.change);
  }

  /** All steps of a turn; a build step is one command. */
  async end(turn: TableTurn): Promise<void> {
    while (
      (await this.policies.advance(
        turn,
        () => undefined,
        () => 1,
      )) === 'built'
    )
      continue;
    expect(turn.isSwitched).toBe(true);
  }

  async sweep(): Promise<readonly string[]> {
    do await this.policies.sweep();
    while (this.policies.sweepPending);
    return [...this.nft.ruleset.chains.keys()].sort();
  }
}

describe('what a turn leaves', () => {
  test('stays until an older one has switched, also when that goes on with more', async () => {
    const table = new SmallTable();
    await table.end(
      table.chain('shared').chain('own', 'shared').send('10.0.0.1', 'own').send('10.0.0.2', 'shared').begin(),
    );
    const older = table.send('10.0.0.1', undefined).without('own').begin();
    const newer = table.send('10.0.0.2', undefined).without('shared').begin();
    table.policies.extend(older, table.chain('more').send('10.0.0.3', 'more').change);
    await table.end(newer);
    expect(await table.sweep()).toEqual(['own', 'shared']);
    await table.end(older);
    expect(await table.sweep()).toEqual(['more']);
  });

  test('stays while a turn on its way has brought it again, though it is not desired any more', async () => {
    const table = new SmallTable();
    await table.end(table.chain('shared').send('10.0.0.1', 'shared').begin());
    await table.end(table.send('10.0.0.1', undefined).without('shared').begin());
    const again = table.chain('shared').chain('other', 'shared').send('10.0.0.2', 'other').begin();
    while (table.nft.ruleset.chains.get('other')?.rules.length !== 1)
      await table.policies.advance(
        again,
        () => undefined,
        () => 1,
      );
    const last = table.send('10.0.0.2', undefined).without('shared', 'other').begin();
    expect(await table.sweep()).toEqual(['other', 'shared']);
    await table.end(again);
    await table.end(last);
    expect(await table.sweep()).toEqual([]);
  });

  test('goes together with what others have left meanwhile, where the turn was compiled in parts', async () => {
    const table = new SmallTable();
    await table.end(
      table
        .chain('shared')
        .chain('a', 'shared')
        .chain('b', 'shared')
        .send('10.0.0.1', 'a')
        .send('10.0.0.2', 'b')
        .begin(),
    );
    const first = table.send('10.0.0.1', undefined).without('a').begin();
    const second = table.send('10.0.0.2', undefined).without('b', 'shared').begin();
    const third = table.chain('c').send('10.0.0.3', 'c').begin();
    table.policies.extend(first, table.chain('d').send('10.0.0.4', 'd').change);
    await table.end(first);
    await table.end(second);
    expect(await table.sweep()).toEqual(['a', 'b', 'd', 'shared']);
    await table.end(third);
    expect(await table.sweep()).toEqual(['c', 'd']);
  });
});

describe('the order of turns', () => {
  test('a turn that goes on with more does not wait for itself', async () => {
    const table = new SmallTable();
    await table.end(table.begin());
    const first = table.chain('a').send('10.0.0.1', 'a').begin();
    const second = table.set('blocks').chain('b', '@blocks').send('10.0.0.1', 'b').begin();
    expect(second.maySwitch).toBe(false);
    table.policies.extend(first, table.chain('c', '@blocks').send('10.0.0.2', 'c').change);
    expect(first.maySwitch).toBe(true);
  });

  test('what a newer turn has brought into force is not undone by an older one', async () => {
    const table = new SmallTable();
    await table.end(table.chain('a').chain('b').chain('c').send('10.0.0.1', 'a').begin());
    const first = table.send('10.0.0.1', 'b').begin();
    const second = table.send('10.0.0.1', 'a').begin();
    table.policies.extend(first, table.send('10.0.0.1', 'c').change);
    await table.end(first);
    await table.end(second);
    expect(table.nft.ruleset.sets.get(dispatch)?.elements.get('10.0.0.1')).toBe('goto c');
  });
});
