/** One suite for the real nft and for its fake: what a transaction does, and what is refused. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execaSync } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openNftClient, transactionsPerShell, type NftClient } from '../../src/kernel/nft/nft-client.js';
import { monitorTables, type ForeignChange } from '../../src/kernel/table-events/nft-monitor.js';
import { emptyRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { NftError, type Nftables } from '../../src/nftables/language/nftables.js';
import type { Command, Transaction } from '../../src/nftables/language/command.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { runPrefix } from '../support/runs.mjs';

const tx = (...commands: Command[]): Transaction => ({ family: 'inet', table: 'podwall', effect: 'narrows', commands });
const table: Command = { kind: 'add table' };
const chain = (name: string): Command => ({ kind: 'add chain', name });
const set = (name: string): Command => ({
  kind: 'add set',
  set: { name, type: ['ipv4_addr'], verdicts: false, interval: false },
});
const addTo = (name: string, ...keys: string[]): Command => ({
  kind: 'add elements',
  set: name,
  elements: keys.map((key) => [key, '']),
});
const element = (verb: 'add' | 'delete', ...keys: string[]): Command =>
  verb === 'add' ? addTo('s', ...keys) : { kind: 'delete elements', set: 's', keys };
const rule = (name: string, target: string): Command => ({
  kind: 'add rule',
  chain: name,
  rule: { statements: [{ goto: { target } }] },
});

function suite(open: () => Promise<Nftables>): void {
  let nft: Nftables;
  beforeAll(async () => {
    nft = await open();
  });
  afterAll(() => nft.close());
  const held = async () => (await nft.list({ family: 'inet', table: 'podwall' })) ?? emptyRuleset();

  test('there is no table at first', async () => {
    expect(await nft.list({ family: 'inet', table: 'podwall' })).toBeUndefined();
  });

  test('what was applied is listed', async () => {
    await nft.apply(
      tx(table, chain('a'), chain('b'), set('s'), rule('a', 'b'), element('add', '10.0.0.1', '10.0.0.2')),
    );
    const { chains, sets } = await held();
    expect(chains.get('a')?.rules).toEqual([{ statements: [{ goto: { target: 'b' } }] }]);
    expect([...(sets.get('s')?.elements.keys() ?? [])].sort()).toEqual(['10.0.0.1', '10.0.0.2']);
  });

  test.each<[string, NftError['reason'], Command[]]>([
    ['a rule in a chain that is not there', 'refused', [rule('missing', 'b')]],
    ['a jump to a chain that is not there', 'refused', [rule('a', 'missing')]],
    ['deleting a chain that is in use', 'in-use', [{ kind: 'delete chain', name: 'b' }]],
    ['deleting an element that is not there', 'refused', [element('delete', '10.9.9.9')]],
    ['an unknown set', 'refused', [addTo('nope', '10.0.0.1')]],
  ])('%s is %s, and leaves no trace of its transaction', async (_, reason, commands) => {
    const before = await held();
    await expect(nft.apply(tx(element('add', '10.7.7.7'), ...commands))).rejects.toMatchObject({ reason });
    expect(await held()).toEqual(before);
    await nft.apply(tx(element('add', '10.0.0.1')));
  });

  test('a check changes nothing, and refuses the same', async () => {
    const before = await held();
    await nft.check(tx(chain('checked')));
    await expect(nft.check(tx(rule('missing', 'b')))).rejects.toBeInstanceOf(NftError);
    expect(await held()).toEqual(before);
  });

  test('a flush keeps the chain, a delete removes it', async () => {
    await nft.apply(tx({ kind: 'flush chain', name: 'a' }, { kind: 'delete chain', name: 'b' }));
    const { chains } = await held();
    expect(chains.get('a')?.rules).toEqual([]);
    expect(chains.has('b')).toBe(false);
  });
}

describe('the fake', () => {
  suite(() => Promise.resolve(new FakeNftables()));
});

describePackets('the real nft', () => {
  const namespace = `${runPrefix}nft`;
  const command = ['ip', 'netns', 'exec', namespace, 'nft'];
  beforeAll(() => void execaSync('ip', ['netns', 'add', namespace]));
  afterAll(() => void execaSync('ip', ['netns', 'del', namespace]));

  suite(() => openNftClient({ command }));

  test('20,000 elements in one transaction', async () => {
    const nft = await openNftClient({ command });
    const many = Array.from(
      { length: 20_000 },
      (_, index) => `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
    );
    await nft.apply(tx(set('many'), addTo('many', ...many)));
    expect((await nft.list({ family: 'inet', table: 'podwall' }))?.sets.get('many')?.elements.size).toBe(20_000);
    await nft.close();
  }, 30_000);

  test('a chain whose name no text can carry: a device may be called anything', async () => {
    const nft = await openNftClient({ command });
    await nft.apply(tx(table, chain('guard-veth+1'), rule('guard-veth+1', 'a')));
    expect((await nft.list({ family: 'inet', table: 'podwall' }))?.chains.get('guard-veth+1')?.rules).toHaveLength(1);
    await nft.close();
  });

  test("what is refused is reported in nft's words, and with the line that it refused", async () => {
    const nft = await openNftClient({ command });
    const refusal = nft.apply(tx(chain('fine'), rule('nowhere', 'b')));
    await expect(refusal).rejects.toThrow(
      /^Error: Could not process rule: No such file or directory\nadd rule inet podwall nowhere goto b/,
    );
    await nft.close();
  });

  test('a shell that has served its time is replaced, which is not reported', async () => {
    const restarts: string[] = [];
    const nft = await openNftClient({ command, onRestart: (why) => restarts.push(why) });
    const shells = () => execaSync('ip', ['netns', 'pids', namespace]).stdout.split('\n');
    await nft.apply(tx(table, set('s')));
    const first = shells();
    for (let index = 0; index < transactionsPerShell; index += 1)
      await nft.apply(tx(element(index % 2 === 0 ? 'add' : 'delete', '10.8.8.8')));
    await until(() => shells().length === first.length);
    expect(shells()).not.toEqual(first);
    expect(restarts).toEqual([]);
    await nft.close();
  }, 60_000);

  test('a killed shell is replaced, and transactions go on', async () => {
    const restarts: string[] = [];
    const nft = await openNftClient({ command, onRestart: (why) => restarts.push(why) });
    await nft.apply(tx(chain('before')));
    execaSync('ip', ['netns', 'exec', namespace, 'sh', '-c', `kill -9 $(ip netns pids ${namespace} | head -1)`], {
      reject: false,
    });
    await delay(200);
    await nft.apply(tx(chain('after')));
    expect((await nft.list({ family: 'inet', table: 'podwall' }))?.chains.has('after')).toBe(true);
    await nft.close();
  }, 30_000);

  test.each([
    ['no comment at all', 'comment', []],
    ['no comments of chains', 'chain.*comment', ['table', 'set']],
    ['no comments of sets', 'set.*comment', ['table', 'chain']],
  ])('an nft that takes %s gets none that it refuses', async (_, refused, kept) => {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-old-nft-'));
    const [old, last] = [join(folder, 'nft'), '${@: -1}'];
    const script = `#!/bin/bash\nif [ -f "${last}" ] && grep -q '${refused}' "${last}"; then echo 'Error: syntax error' >&2; exit 1; fi\n`;
    await writeFile(old, `${script}exec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
    const nft = await openNftClient({ command: [old] });
    await nft.apply(tx(table, { kind: 'delete table' }));
    await nft.apply(
      tx(
        { kind: 'add table', title: 'of the table' },
        {
          kind: 'add set',
          set: { name: 's', title: 'of a set', type: ['ipv4_addr'], verdicts: false, interval: true },
        },
        { kind: 'add chain', name: 'c', title: 'of a chain' },
      ),
    );
    const { stdout } = execaSync('ip', ['netns', 'exec', namespace, 'nft', 'list', 'table', 'inet', 'podwall']);
    expect([...stdout.matchAll(/comment "of (?:the|a) (\w+)"/g)].map(([, kind]) => kind)).toEqual(kept);
    await nft.close();
    await rm(folder, { recursive: true });
  });

  test('nft that is not there: a sentence that says what to install', async () => {
    await expect(openNftClient({ command: ['/nowhere/nft'] })).rejects.toMatchObject({
      reason: 'missing',
      message: expect.stringContaining('apt-get install nftables'),
    });
  });

  test('counters are read without a process once nft runs, also where there is no table, and by one when it has died', async () => {
    const nft = await openNftClient({ command });
    const counters = Array.from({ length: 300 }, (_, index): Command => ({ kind: 'add counter', name: `k-${index}` }));
    await nft.apply({ ...tx(table, { kind: 'delete table' }), family: 'netdev' });
    await nft.apply(tx(table, { kind: 'delete table' }, table, ...counters));
    execaSync('ip', ['netns', 'exec', namespace, 'nft', 'add counter inet podwall other { packets 7 bytes 9 }']);
    const byShell = await nft.counters();
    expect(byShell.size).toBe(301);
    expect([byShell.get('k-299'), byShell.get('other')]).toEqual([0, 7]);
    const shells = execaSync('ip', ['netns', 'pids', namespace]).stdout.split('\n');
    for (const pid of shells) process.kill(Number(pid), 'SIGKILL');
    await delay(100);
    expect(await nft.counters()).toEqual(byShell);
    await nft.close();
  }, 30_000);

  test('a refusal whose text is made to look like an end of a transaction ends no other one', async () => {
    const nft = await openNftClient({ command });
    await nft.apply(tx(table, { kind: 'delete table' }, table));
    for (let index = 0; index < 20; index += 1) {
      const guessed = Array.from({ length: 60 }, (_, count): Command => ({
        kind: 'delete chain',
        name: `ack-${count}`,
      }));
      await expect(nft.apply(tx(...guessed))).rejects.toMatchObject({
        reason: 'refused',
        message: expect.stringContaining('ack-59'),
      });
      await nft.apply(tx(chain(`own-${index}`)));
      expect((await nft.list({ family: 'inet', table: 'podwall' }))?.chains.has(`own-${index}`)).toBe(true);
    }
    await nft.close();
  }, 30_000);

  test('the monitor reports foreign changes with their process, and never our own', async () => {
    const client: NftClient = await openNftClient({ command });
    const seen: ForeignChange[] = [];
    const monitor = monitorTables({ client, onForeignChange: (change) => seen.push(change) });
    await delay(300);
    await client.apply(tx(table));
    for (let index = 0; index < 20; index += 1) await client.apply(tx(chain(`own${index}`)));
    await client.apply(tx(table, { kind: 'delete table' }, table, chain('own-in-json+1')));
    await client.apply({ ...tx(table, chain('own')), family: 'netdev' });
    await delay(200);
    expect(seen).toEqual([]);
    execaSync('ip', ['netns', 'exec', namespace, 'nft', 'add', 'chain', 'inet', 'podwall', 'foreign']);
    execaSync('ip', ['netns', 'exec', namespace, 'nft', 'add', 'table', 'inet', 'other']);
    await delay(300);
    await client.apply(tx({ kind: 'delete table' }));
    await delay(200);
    // Without its table a transaction has no mark: that costs a reading.
    expect(seen).toHaveLength(2);
    expect(seen[0]).toMatchObject({
      process: expect.stringMatching(/^\d+ \(nft\)$/),
      text: expect.stringContaining('foreign'),
    });
    monitor[Symbol.dispose]();
    await client.close();
  }, 30_000);
});
