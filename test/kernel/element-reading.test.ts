/** Elements read by netlink: the same as nft lists. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeBatch } from '../../src/kernel/elements/batch.js';
import { decodeKey, encodeKey } from '../../src/kernel/elements/element-keys.js';
import { Exchange } from '../../src/kernel/elements/element-socket.js';
import type { ElementWriter } from '../../src/kernel/elements/element-writer.js';
import type { ElementsRead } from '../../src/kernel/elements/worker-messages.js';
import { listTable } from '../../src/kernel/nft/table-lister.js';
import { numberToAddress } from '../../src/model/address.js';
import type { Command, Element, Transaction } from '../../src/nftables/language/command.js';
import type { KeyType, SetForm, TableName } from '../../src/nftables/language/types.js';
import { planReplacement } from '../../src/nftables/plan/plan.js';
import { render } from '../../src/nftables/render/renderer.js';
import { titledPrograms } from '../nftables/example-programs.js';
import { describePackets } from '../support/lab/requirements.js';
import { cases } from '../support/seed.js';
import { elementWriterIn } from './element-writer-in.js';
import { NftNamespace } from './nft-namespace.js';

const podwall: TableName = { family: 'inet', table: 'podwall' };
const tx = (commands: readonly Command[]): Transaction => ({ ...podwall, effect: 'none', commands });
const form = (name: string, type: readonly KeyType[], more: Partial<SetForm> = {}): SetForm => ({
  ...{ name, type, verdicts: false, interval: false },
  ...more,
});

const address4 = fc.nat(0xffffffff).map((number) => numberToAddress(BigInt(number), 'IPv4'));
/** Of all kinds of text: runs of zeros, and an end of 32 bits, which nft prints as IPv4. */
const address6 = fc
  .array(fc.constantFrom('0000', '0000', 'ffff', 'fd00', '0a01'), { minLength: 8, maxLength: 8 })
  .map((groups) => numberToAddress(BigInt(`0x${groups.join('')}`), 'IPv6'));
const single: Readonly<Record<KeyType, fc.Arbitrary<string>>> = {
  ipv4_addr: address4,
  ipv6_addr: address6,
  inet_service: fc.nat(0xffff).map(String),
  inet_proto: fc.constantFrom('tcp', 'udp', 'sctp', '200'),
  // Of no set here: packets alone add bits of their headers, and devices.
  integer: fc.constant('0'),
  iface_index: fc.constant('0'),
};

/** Single, a network, or any two ends. */
function intervals(type: KeyType): fc.Arbitrary<string> {
  const bits = { ipv4_addr: 32, ipv6_addr: 128, inet_service: 16, inet_proto: 8, integer: 128, iface_index: 32 }[type];
  const text = (value: bigint): string =>
    bits < 32 ? String(value) : numberToAddress(value, type === 'ipv4_addr' ? 'IPv4' : 'IPv6');
  const any = fc.bigInt(0n, (1n << BigInt(bits)) - 1n);
  const between = fc
    .tuple(any, fc.oneof(any, fc.integer({ min: 1, max: bits })))
    // Ends that differ in exactly the last bits are no network for that.
    .map(([a, b]): [bigint, bigint] => [a, typeof b === 'number' ? a ^ ((1n << BigInt(b)) - 1n) : b])
    .filter(([a, b]) => a !== b)
    .map(([a, b]) => (a < b ? `${text(a)}-${text(b)}` : `${text(b)}-${text(a)}`));
  const network = fc.tuple(any, fc.nat(bits)).map(([value, length]) => {
    const free = BigInt(bits - length);
    return `${text((value >> free) << free)}/${length}`;
  });
  return bits < 32 ? fc.oneof(single[type], between) : fc.oneof(single[type], between, network);
}

const targets = ['a', 'b', 'a-long-name-of-a-chain-0123456789abcdef'];
const forms: readonly SetForm[] = [
  form('four', ['ipv4_addr']),
  form('six', ['ipv6_addr']),
  form('port', ['inet_service']),
  form('protocol', ['inet_proto']),
  form('pair', ['ipv6_addr', 'ipv6_addr']),
  form('listener', ['ipv4_addr', 'inet_proto', 'inet_service']),
  form('verdict4', ['ipv4_addr'], { verdicts: true }),
  form('verdict6', ['ipv6_addr', 'inet_service'], { verdicts: true }),
  form('ports', ['inet_proto', 'inet_service'], { interval: true }),
  form('networks4', ['ipv4_addr', 'inet_proto', 'inet_service'], { interval: true }),
  form('networks6', ['ipv6_addr', 'inet_proto', 'inet_service'], { interval: true }),
  form('verdict-networks4', ['ipv4_addr', 'inet_service'], { interval: true, verdicts: true }),
];

/** Intervals must not meet: each has ports of its own in the last part. */
function keysOf({ type, interval }: SetForm): fc.Arbitrary<readonly string[]> {
  if (!interval)
    return fc.uniqueArray(
      fc.tuple(...type.map((part) => single[part])).map((parts) => parts.join(' . ')),
      { maxLength: 8 },
    );
  const parts = fc.tuple(fc.tuple(...type.slice(0, -1).map(intervals)), fc.nat(99));
  return fc
    .array(parts, { maxLength: 8 })
    .map((all) =>
      all.map(([before, more], index) =>
        [...before, more === 0 ? `${index * 100}` : `${index * 100}-${index * 100 + more}`].join(' . '),
      ),
    );
}

const elementsOf = (one: SetForm): fc.Arbitrary<readonly Element[]> =>
  fc
    .tuple(keysOf(one), fc.constantFrom(...targets))
    .map(([keys, target]) => keys.map((key): Element => [key, one.verdicts ? `goto ${target}` : '']));

test('a key that is written is read back', () => {
  for (const { type, interval } of forms) {
    const key = fc.tuple(...type.map((part) => single[part])).map((parts) => parts.join(' . '));
    if (!interval)
      fc.assert(fc.property(key, (text) => decodeKey(type, encodeKey(type, text) ?? Buffer.alloc(0)) === text));
  }
  expect(decodeKey(['ipv4_addr', 'inet_proto'], Buffer.alloc(4))).toBeUndefined();
  expect(decodeKey(['ipv4_addr'], Buffer.alloc(8))).toBeUndefined();
});

test('a kernel that does not answer ends the reading', () => {
  const exchange = new Exchange({ send: () => 0, receive: () => 11 });
  expect([...exchange.elements(podwall, form('four', ['ipv4_addr']))]).toEqual([{ elements: [], end: 'unavailable' }]);
});

describePackets('elements read by netlink', () => {
  let [kernel, writer]: [NftNamespace | undefined, ElementWriter | undefined] = [undefined, undefined];
  const nft = (...command: readonly string[]): string => kernel?.run('nft', ...command) ?? '';
  const read = async (
    one: SetForm,
    table = podwall,
    onPiece: (heard: number) => void = () => undefined,
  ): Promise<{ end: ElementsRead | undefined; elements: Element[] }> => {
    const elements: Element[] = [];
    const end = await writer?.elements(table, one, (piece) => {
      elements.push(...piece);
      onPiece(elements.length);
    });
    return { end, elements };
  };
  const expectAsListed = async (names?: readonly string[]): Promise<number> => {
    const { sets } = (kernel as NftNamespace).list();
    let count = 0;
    for (const set of sets.values()) {
      if (set.dynamic !== undefined && names?.includes(set.name) !== true) continue;
      const { end, elements } = await read(set);
      const sorted = [...set.elements].sort();
      expect([set.name, end, elements.sort()]).toEqual([set.name, 'read', sorted]);
      count += sorted.length;
    }
    return count;
  };

  beforeAll(async () => {
    kernel = new NftNamespace();
    writer = await elementWriterIn(kernel);
  });
  afterAll(async () => {
    await writer?.[Symbol.asyncDispose]();
    kernel?.[Symbol.dispose]();
  });

  test('of every set of every example as nft lists them', async () => {
    for (const [title, program] of titledPrograms) {
      kernel?.apply(planReplacement(render(program, { established: 'reevaluate' })));
      expect([title, await expectAsListed()]).not.toEqual([title, 0]);
    }
  }, 60_000);

  test('tables of them, as nft lists them whole', async () => {
    const command = ['ip', 'netns', 'exec', kernel?.name ?? '', 'nft'];
    for (const [title, program] of titledPrograms) {
      kernel?.apply(planReplacement(render(program, { established: 'reevaluate' })));
      expect([title, await listTable(command, podwall, writer)]).toEqual([title, kernel?.list()]);
    }
    expect(await listTable(command, { ...podwall, family: 'netdev' }, writer)).toBeUndefined();
  }, 60_000);

  test('of random sets of every form, until they and their table are gone', async () => {
    nft('flush ruleset');
    kernel?.apply(
      tx([
        { kind: 'add table' },
        ...targets.map((name): Command => ({ kind: 'add chain', name })),
        ...forms.map((set): Command => ({ kind: 'add set', set })),
      ]),
    );
    for (const all of fc.sample(fc.tuple(...forms.map(elementsOf)), { numRuns: cases(25) })) {
      const filled = forms.flatMap(({ name }, index): Command[] => {
        const elements = all[index] ?? [];
        return elements.length === 0 ? [] : [{ kind: 'add elements', set: name, elements }];
      });
      if (filled.length > 0) kernel?.apply(tx(filled));
      await expectAsListed();
      kernel?.load(
        forms.map(({ name, verdicts }) => `flush ${verdicts ? 'map' : 'set'} inet podwall ${name}`).join('\n'),
      );
    }
    const [four] = forms as [SetForm];
    nft('delete', 'set', 'inet', 'podwall', 'four');
    expect(await read(four)).toEqual({ end: 'no set', elements: [] });
    nft('delete', 'table', 'inet', 'podwall');
    expect(await read(four)).toEqual({ end: 'no set', elements: [] });
    expect(await read(four, { ...podwall, family: 'netdev' })).toEqual({ end: 'no set', elements: [] });
  }, 60_000);

  test('what others put there as well, or nft is to list it', async () => {
    kernel?.load(`flush ruleset; add table inet podwall; add chain inet podwall a; add table inet other
      add map inet podwall words { type ipv4_addr : verdict; elements = { 10.0.0.1 : accept, 10.0.0.2 : drop,
        10.0.0.3 : jump a, 10.0.0.4 : return, 10.0.0.5 : continue } }
      add set inet podwall commented { type ipv4_addr; elements = { 10.0.0.1 comment "of theirs", 10.0.0.2 } }
      add set inet podwall allow-in-open { type ipv4_addr; flags timeout; elements = { 10.0.0.1 timeout 5m, 10.0.0.2 timeout 1h } }
      add set inet other plain { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 11.0.0.1 } }
      add map inet other marks { type ipv4_addr : mark; elements = { 10.0.0.1 : 1 } }
      add set inet other rest { type ipv4_addr; elements = { 10.0.0.1 } }
      add map inet other any { type ipv4_addr : verdict; elements = { 10.0.0.1 : drop, * : drop } }
      add set inet other marked { type mark; elements = { 5 } }`);
    expect(await expectAsListed(['allow-in-open'])).toBe(9);
    const other: TableName = { family: 'inet', table: 'other' };
    for (const one of [
      form('plain', ['ipv4_addr'], { interval: true }),
      form('marks', ['ipv4_addr'], { verdicts: true }),
      form('any', ['ipv4_addr'], { verdicts: true }),
      form('rest', ['ipv4_addr'], { verdicts: true }),
      form('rest', ['ipv6_addr']),
      form('marked', ['mark' as KeyType]),
    ])
      expect([one.name, (await read(one, other)).end]).toEqual([one.name, 'unavailable']);
    expect((await read(form('rest', ['ipv4_addr']), other)).end).toBe('read');
  });

  describe('while a large set is read', () => {
    const large = form('large', ['ipv4_addr']);
    const small = form('small', ['ipv4_addr']);
    const count = 300_000;
    beforeAll(() => {
      nft('flush ruleset');
      kernel?.apply(tx([{ kind: 'add table' }, ...[large, small].map((set): Command => ({ kind: 'add set', set }))]));
      const keys = Array.from({ length: count }, (_, index) => numberToAddress(BigInt(0x0a000000 + index), 'IPv4'));
      kernel?.load(`add element inet podwall large { ${keys.join(', ')} }`);
    }, 60_000);

    test('it comes in pieces, and the process hardly grows', async () => {
      let [heard, longest, rss] = [0, 0, 0];
      const all = async (): Promise<unknown> =>
        writer?.elements(podwall, large, (piece) => {
          heard += piece.length;
          longest = Math.max(longest, piece.length);
          rss = Math.max(rss, process.memoryUsage.rss());
        });
      // The first reading shows what the thread needs at all.
      await all();
      const before = process.memoryUsage.rss();
      [heard, longest, rss] = [0, 0, 0];
      expect(await all()).toBe('read');
      expect(heard).toBe(count);
      expect(longest).toBeLessThan(5000);
      expect(rss - before).toBeLessThan(30_000_000);
    }, 60_000);

    test('a write is not kept waiting for the rest, and what changed meanwhile is said', async () => {
      const batch = encodeBatch(
        tx([{ kind: 'add elements', set: 'small', elements: [['10.0.0.1', '']] }]),
        () => small,
      );
      const order: string[] = [];
      let [heard, heardAtWrite] = [0, count];
      const writing: Promise<unknown>[] = [];
      const end = await writer?.elements(podwall, large, (piece) => {
        heard += piece.length;
        if (writing.length === 0 && batch !== undefined)
          writing.push(
            (writer as ElementWriter).write(batch).then((isWritten) => {
              heardAtWrite = heard;
              order.push(`written ${isWritten}`);
            }),
          );
      });
      order.push(`${end}`);
      await Promise.all(writing);
      expect(order).toEqual(['written true', 'interrupted']);
      expect(heardAtWrite).toBeLessThan(count / 2);
      expect((await read(small)).elements).toEqual([['10.0.0.1', '']]);
    }, 60_000);

    test("another's commit interrupts it, and so does one that deletes the set", async () => {
      let isFirst = true;
      const once = (command: string) => (): void => {
        if (isFirst) nft(command);
        isFirst = false;
      };
      expect((await read(large, podwall, once('add table inet other'))).end).toBe('interrupted');
      isFirst = true;
      const { end, elements } = await read(large, podwall, once('delete set inet podwall large'));
      expect(end).toBe('interrupted');
      expect(elements.length).toBeLessThan(count);
      expect(await read(large)).toEqual({ end: 'no set', elements: [] });
    }, 60_000);
  });

  test('one that is given up leaves nothing to the next; several come one after another', async () => {
    const some = forms.slice(0, 2);
    nft('flush ruleset');
    kernel?.apply(tx([{ kind: 'add table' }, ...some.map((set): Command => ({ kind: 'add set', set }))]));
    const keys = Array.from({ length: 20_000 }, (_, index) => numberToAddress(BigInt(0x0a000000 + index), 'IPv4'));
    kernel?.load(`add element inet podwall four { ${keys.join(', ')} }; add element inet podwall six { ::1, ::2 }`);
    const [four, six] = some as [SetForm, SetForm];
    const givenUp = read(four, podwall, () => {
      throw new Error('given up');
    });
    const others = [six, four, six].map((one) => read(one));
    await expect(givenUp).rejects.toThrow('given up');
    const [first, whole, last] = await Promise.all(others);
    expect(first?.elements.map(([key]) => key).sort()).toEqual(['::1', '::2']);
    expect(last).toEqual(first);
    expect(whole?.end).toBe('read');
    expect(new Set(whole?.elements.map(([key]) => key))).toEqual(new Set(keys));
  });

  test('the end of the thread is the end of a reading', async () => {
    using space = new NftNamespace();
    const own = await elementWriterIn(space);
    const keys = Array.from({ length: 20_000 }, (_, index) => numberToAddress(BigInt(0x0a000000 + index), 'IPv4'));
    space.load('add table inet podwall; add set inet podwall four { type ipv4_addr; }');
    space.load(`add element inet podwall four { ${keys.join(', ')} }`);
    let pieces = 0;
    const end = await own.elements(podwall, form('four', ['ipv4_addr']), () => {
      pieces += 1;
      void own[Symbol.asyncDispose]();
    });
    expect([end, pieces]).toEqual(['unavailable', 1]);
    expect(await own.elements(podwall, form('four', ['ipv4_addr']), () => undefined)).toBe('unavailable');
  });
});
