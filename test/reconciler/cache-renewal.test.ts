/** When the verdict cache is emptied, and when it only forgets the addresses that a change concerns. */
import { describe, expect, test } from '@jest/globals';
import type { Address } from '../../src/model/address.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import { cacheInUse, exceptedIn, type CacheState } from '../../src/nftables/render/cache.js';
import { Renderer } from '../../src/nftables/render/renderer.js';
import { changeFrom } from '../../src/program/change.js';
import type { GroupId } from '../../src/program/types.js';
import { CacheRenewal } from '../../src/reconciler/cache-renewal.js';
import { PolicyTable } from '../../src/reconciler/policy-table.js';
import type { TableChange, TableTurn } from '../../src/reconciler/table-turn.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { everyFeature, program } from '../nftables/programs.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { ManualClock } from '../support/manual-clock.js';

/** An agent's policy table, and peers that come and go. */
class Node {
  readonly nft = new FakeNftables();
  readonly clock = new ManualClock();
  readonly renderer = new Renderer({ established: 'reevaluate' });
  renewals = 0;
  readonly cache = new CacheRenewal(this.clock, () => (this.renewals += 1));
  readonly table = new PolicyTable({
    nftables: this.nft,
    clock: this.clock,
    cache: this.cache,
    desired: this.renderer.ruleset(),
  });
  readonly #turns: TableTurn[] = [];

  static async started(): Promise<Node> {
    const node = new Node();
    node.begin({ dirty: node.renderer.apply(changeFrom(everyFeature)), effect: 'narrows' });
    await node.converge();
    node.clock.advance(1000);
    return node;
  }

  begin(change: TableChange): void {
    this.#turns.push(this.table.begin(change));
  }

  /** @returns whether the kernel differed from what it should hold. */
  async readBack(): Promise<boolean> {
    const { dirty } = (await this.table.read())();
    if (isDirty(dirty)) this.begin({ dirty, effect: 'narrows' });
    return isDirty(dirty);
  }

  async converge(): Promise<void> {
    if (this.table.isUnknown) await this.readBack();
    for (let [turn] = this.#turns; turn !== undefined; [turn] = this.#turns) {
      await this.table.advance(turn, () => undefined);
      if (!turn.isSwitched) continue;
      this.#turns.shift();
      await this.table.sweep();
    }
  }

  async peers(added: readonly string[], removed: readonly string[]): Promise<void> {
    const group = everyFeature.groups.get('pods app=web' as GroupId);
    if (group === undefined) throw new Error('the group is gone');
    const groups = [{ group, change: 'members', added: added as Address[], removed: removed as Address[] }] as const;
    const dirty = this.renderer.apply({ ...changeFrom(program({})), groups });
    this.begin({ dirty, effect: removed.length > 0 ? 'narrows' : 'widens' });
    await this.converge();
  }

  get state(): CacheState {
    const state = cacheInUse(this.nft.ruleset);
    if (state === undefined) throw new Error('no cache');
    return { generation: state.generation, excepting: state.excepting };
  }

  get excepted(): string[] {
    return exceptedIn(this.nft.ruleset, this.state.generation);
  }
}

const peers = ['10.244.1.90', 'fd00:10:244:1::90', '10.244.1.91'] as const;

/** A node that has just emptied its cache for the first peer, and made an exception of the second. */
async function excepting(): Promise<Node> {
  const node = await Node.started();
  await node.peers(peers, []);
  await node.peers([], [peers[0]]);
  await node.peers([], [peers[1]]);
  return node;
}

describe('the verdict cache', () => {
  test('is emptied by a narrowing after a quiet second', async () => {
    const node = await Node.started();
    await node.peers(peers, []);
    const { generation } = node.state;
    await node.peers([], [peers[0]]);
    expect(node.state).toEqual({ generation: generation + 1, excepting: false });
    expect(node.excepted).toEqual([]);
  });

  test('forgets the addresses of those that follow, until a second is over', async () => {
    const node = await excepting();
    const { generation } = node.state;
    expect(node.state.excepting).toBe(true);
    expect(node.excepted).toEqual([peers[1]]);
    node.clock.advance(900);
    await node.peers([], [peers[2]]);
    expect(node.state).toEqual({ generation, excepting: true });
    expect(node.excepted.sort()).toEqual([peers[1], peers[2]].sort());
    expect(node.renewals).toBe(0);
    node.clock.advance(100);
    expect(node.renewals).toBe(1);
    await node.table.renewCache();
    expect(node.state).toEqual({ generation: generation + 1, excepting: false });
    expect([...node.nft.ruleset.sets.keys()].filter((name) => name.startsWith('cache4-'))).toHaveLength(2);
  });

  test('is emptied when a transaction broke off: what the kernel took of it is not known', async () => {
    const node = await excepting();
    const { generation } = node.state;
    node.nft.failWith = () => new NftError('refused', 'no');
    await expect(node.peers([], [peers[2]])).rejects.toThrow('no');
    node.nft.failWith = () => undefined;
    await node.converge();
    expect(node.state).toEqual({ generation: generation + 1, excepting: false });
  });

  test('a transaction of unknown outcome is looked for in the kernel before the next one', async () => {
    const node = await excepting();
    const { generation } = node.state;
    // It came about, and its answer was lost.
    const apply = node.nft.apply.bind(node.nft);
    node.nft.apply = async (transaction) => {
      await apply(transaction);
      node.nft.apply = apply;
      throw new NftError('failed', 'nft -i ended in the middle of a transaction');
    };
    await expect(node.peers([], [peers[2]])).rejects.toThrow('in the middle');
    await node.peers([], [peers[2]]);
    expect(node.excepted).toContain(peers[2]);
    await node.peers([peers[2]], []);
    await node.peers([], [peers[2]]);
    expect(node.state).toEqual({ generation, excepting: true });
  });

  test.each([
    ['an exception is deleted', { kind: 'delete elements', keys: [peers[1]] }],
    ['the look-up without exceptions is put back', undefined],
  ] as const)('%s by someone else: emptied', async (_, command) => {
    const node = await excepting();
    const { generation } = node.state;
    const table = { family: 'inet', table: 'podwall', effect: 'none' } as const;
    if (command === undefined) {
      const rule = { statements: [{ jump: { target: `cache-lookup-${generation}` } }] };
      const chain = 'cache-lookup';
      await node.nft.apply({
        ...table,
        commands: [
          { kind: 'flush chain', name: chain },
          { kind: 'add rule', chain, rule },
        ],
      });
    } else await node.nft.apply({ ...table, commands: [{ ...command, set: `cache-except6-${generation}` }] });
    expect(await node.readBack()).toBe(true);
    await node.converge();
    expect(node.state).toEqual({ generation: generation + 1, excepting: false });
    expect(await node.readBack()).toBe(false);
  });

  test('is emptied by more addresses than are worth an exception', async () => {
    const node = await excepting();
    const { generation } = node.state;
    const many = Array.from({ length: 4096 }, (_, index) => `10.200.${index >> 8}.${index & 255}`);
    await node.peers(many, []);
    await node.peers([], many);
    expect(node.state).toEqual({ generation: generation + 1, excepting: false });
  });
});
