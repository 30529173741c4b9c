/** What is made of the dumps of a set; nft is a script that prints a table of one set. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElementWriter } from '../../src/kernel/elements/element-writer.js';
import type { ElementsRead } from '../../src/kernel/elements/worker-messages.js';
import { listTable } from '../../src/kernel/nft/table-lister.js';
import { emptyRuleset, type MutableRuleset } from '../../src/nftables/language/mutable-ruleset.js';

let folder: string;
let nft: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-table-lister-'));
  nft = join(folder, 'nft');
  const table = (elements: string): string =>
    `{"nftables": [{"table": {"family": "inet", "name": "podwall"}}, {"set": {"family": "inet", "table": "podwall", "name": "pods4", "type": "ipv4_addr"${elements}}}]}`;
  const script = [
    '#!/bin/sh',
    `case "$*" in *-t*) echo '${table('')}';; *) echo '${table(', "elem": ["10.0.0.9"]')}';; esac`,
  ];
  await writeFile(nft, `${script.join('\n')}\n`, { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

/** What each dump brings, and its outcome; the last one again and again. */
class Dumps implements Pick<ElementWriter, 'elements'> {
  taken = 0;
  readonly #dumps: readonly (readonly [keys: readonly string[], outcome: ElementsRead])[];

  constructor(...dumps: readonly (readonly [keys: readonly string[], outcome: ElementsRead])[]) {
    this.#dumps = dumps;
  }

  elements: ElementWriter['elements'] = (_table, _form, onPiece) => {
    const [keys, outcome] = this.#dumps[Math.min(this.taken, this.#dumps.length - 1)] ?? [[], 'unavailable'];
    this.taken += 1;
    for (const key of keys) onPiece([[key, '']]);
    return Promise.resolve(outcome);
  };
}

const known = (...keys: readonly string[]): MutableRuleset => {
  const ruleset = emptyRuleset();
  const elements = new Map(keys.map((key) => [key, '']));
  ruleset.sets.set('pods4', { name: 'pods4', type: ['ipv4_addr'], verdicts: false, interval: false, elements });
  return ruleset;
};
const list = async (dumps: Dumps, before?: MutableRuleset) =>
  (await listTable([nft], { family: 'inet', table: 'podwall' }, dumps, before))?.sets.get('pods4')?.elements;
const [one, two, three] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

describe('a set', () => {
  test('that holds what is known shares its elements after one dump, in whatever order and however often they come', async () => {
    const before = known(one, two);
    const dumps = new Dumps([[two, one, two], 'interrupted']);
    expect(await list(dumps, before)).toBe(before.sets.get('pods4')?.elements);
    expect(dumps.taken).toBe(1);
  });

  test('that one dump misses an element of is dumped again', async () => {
    const before = known(one, two);
    const dumps = new Dumps([[one], 'read'], [[two], 'read']);
    expect(await list(dumps, before)).toBe(before.sets.get('pods4')?.elements);
    expect(dumps.taken).toBe(2);
  });

  test('has lost what two dumps miss', async () => {
    const dumps = new Dumps([[one], 'read']);
    expect(await list(dumps, known(one, two))).toEqual(new Map([[one, '']]));
    expect(dumps.taken).toBe(2);
  });

  test('with one more is not what is known', async () => {
    const before = known(one, two);
    const dumps = new Dumps([[one, two, three], 'read']);
    expect([...((await list(dumps, before)) ?? [])].map(([key]) => key)).toEqual([one, two, three]);
    expect(before.sets.get('pods4')?.elements.size).toBe(2);
    expect(dumps.taken).toBe(1);
  });

  test('of which nothing is known is believed when another dump brings nothing more', async () => {
    const dumps = new Dumps([[one], 'read'], [[one, two], 'read']);
    expect((await list(dumps))?.size).toBe(2);
    expect(dumps.taken).toBe(3);
  });

  test('that changes all the time is not dumped for ever', async () => {
    const dumps = new Dumps(...[1, 2, 3, 4, 5, 6, 7].map((last) => [[`10.0.1.${last}`], 'interrupted'] as const));
    expect((await list(dumps))?.size).toBe(5);
  });

  test('that is gone meanwhile is empty, and one that cannot be read is listed by nft', async () => {
    expect(await list(new Dumps([[], 'no set']))).toEqual(new Map());
    expect(await list(new Dumps([[one], 'unavailable']))).toEqual(new Map([['10.0.0.9', '']]));
  });
});

test('an outline that nft does not print is an error', async () => {
  await expect(listTable(['false'], { family: 'inet', table: 'podwall' }, new Dumps())).rejects.toThrow('nft');
});

test('what nft lists of other tables of the family is none of ours', async () => {
  const others = '{"set": {"family": "inet", "table": "theirs", "name": "pods6", "type": "ipv6_addr"}}';
  const script = [
    '#!/bin/sh',
    'case "$*" in',
    `*'list ruleset inet') echo '{"nftables": [${others}, {"table": {"family": "inet", "name": "podwall"}}, {"counter": {"family": "inet", "table": "podwall", "name": "x"}}]}';;`,
    `*'list ruleset netdev') echo '{"nftables": [${others}]}';;`,
    // This nft would read all that packets have filled.
    '*) exit 1;;',
    'esac',
  ];
  const other = join(folder, 'other-nft');
  await writeFile(other, `${script.join('\n')}\n`, { mode: 0o755 });
  const listed = await listTable([other], { family: 'inet', table: 'podwall' }, new Dumps());
  expect([[...(listed?.sets.keys() ?? [])], [...(listed?.counters ?? [])]]).toEqual([[], ['x']]);
  expect(await listTable([other], { family: 'netdev', table: 'podwall' }, new Dumps())).toBeUndefined();
});
