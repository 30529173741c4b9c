/** Elements written by netlink: the kernel then holds what it holds after the same transaction by nft. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeBatch, generationOffset, mostElements } from '../../src/kernel/elements/batch.js';
import { Exchange } from '../../src/kernel/elements/element-socket.js';
import type { ElementWriter } from '../../src/kernel/elements/element-writer.js';
import { parseCounters } from '../../src/nftables/language/listing.js';
import { openNftClient } from '../../src/kernel/nft/nft-client.js';
import { monitorTables, type ForeignChange } from '../../src/kernel/table-events/nft-monitor.js';
import type { Command, Element, Transaction } from '../../src/nftables/language/command.js';
import type { KeyType, SetForm } from '../../src/nftables/language/types.js';
import { describePackets } from '../support/lab/requirements.js';
import { cases } from '../support/seed.js';
import { until } from '../support/until.js';
import { elementWriterIn } from './element-writer-in.js';
import { NftNamespace } from './nft-namespace.js';

const tx = (commands: readonly Command[]): Transaction => ({
  family: 'inet',
  table: 'podwall',
  effect: 'none',
  commands,
});

const form = (name: string, type: readonly KeyType[], verdicts = false): SetForm => ({
  name,
  type,
  verdicts,
  interval: false,
});
const forms: readonly SetForm[] = [
  form('four', ['ipv4_addr']),
  form('six', ['ipv6_addr']),
  form('port', ['inet_service']),
  form('protocol', ['inet_proto']),
  form('pair', ['ipv4_addr', 'ipv4_addr']),
  form('listener', ['inet_proto', 'ipv6_addr', 'inet_service']),
  form('verdict4', ['ipv4_addr'], true),
  form('verdict6', ['ipv6_addr', 'inet_service'], true),
];
const formOf = (name: string): SetForm | undefined => forms.find((one) => one.name === name);
const targets = ['a', 'b', 'a-long-name-of-a-chain-0123456789abcdef'];
const made: readonly Command[] = [
  { kind: 'add table' },
  ...targets.map((name): Command => ({ kind: 'add chain', name })),
  ...forms.map((set): Command => ({ kind: 'add set', set })),
];

const part: Readonly<Record<KeyType, fc.Arbitrary<string>>> = {
  ipv4_addr: fc.constantFrom('10.0.0.1', '10.0.0.2', '192.168.255.255', '0.0.0.0', '255.255.255.255'),
  ipv6_addr: fc.constantFrom('fd00::1', 'fd00:10:244:1::63', '::', '::1', '2001:db8:0:1:2:3:4:5'),
  inet_service: fc.constantFrom('0', '1', '80', '256', '65535'),
  inet_proto: fc.constantFrom('tcp', 'udp', 'sctp', '200'),
  // Of no set here: packets alone add bits of their headers, and devices.
  integer: fc.constant('0'),
  iface_index: fc.constant('0'),
};
const keysOf = ({ type }: SetForm): fc.Arbitrary<string> =>
  fc.tuple(...type.map((one) => part[one])).map((parts) => parts.join(' . '));

/** Where elements go to and from: what each set shall hold next. */
const state: fc.Arbitrary<ReadonlyMap<string, readonly Element[]>> = fc
  .tuple(
    ...forms.map((one) =>
      fc.uniqueArray(fc.tuple(keysOf(one), one.verdicts ? fc.constantFrom(...targets) : fc.constant('')), {
        selector: ([key]) => key,
        maxLength: 6,
      }),
    ),
  )
  .map(
    (all) =>
      new Map(
        all.map((elements, index) => [
          forms[index]?.name ?? '',
          elements.map(([key, target]): Element => [key, target === '' ? '' : `goto ${target}`]),
        ]),
      ),
  );

function commandsBetween(
  from: ReadonlyMap<string, readonly Element[]>,
  to: ReadonlyMap<string, readonly Element[]>,
): Command[] {
  return forms.flatMap(({ name }) => {
    const [before, after] = [from, to].map((one) => one.get(name) ?? []) as [Element[], Element[]];
    const has = (elements: readonly Element[], [key, value]: Element): boolean =>
      elements.some((one) => one[0] === key && one[1] === value);
    const keys = before.filter((one) => !has(after, one)).map(([key]) => key);
    const elements = after.filter((one) => !has(before, one));
    return [
      ...(keys.length > 0 ? [{ kind: 'delete elements', set: name, keys } as const] : []),
      ...(elements.length > 0 ? [{ kind: 'add elements', set: name, elements } as const] : []),
    ];
  });
}

const [erestart, enoent, eagain] = [85, 2, 11];

/** A kernel that answers each batch with these errnos: of its first and of its last answered message. */
function exchangeWith(answers: readonly { first?: number; last?: number }[]) {
  const [sent, queue]: [number[], Buffer[]] = [[], []];
  let generation = 100;
  const answer = (sequence: number, errno: number): Buffer => {
    const datagram = Buffer.alloc(36);
    datagram.writeUInt32LE(36, 0);
    datagram.writeUInt16LE(2, 4);
    datagram.writeUInt32LE(sequence, 8);
    datagram.writeInt32LE(-errno, 16);
    return datagram;
  };
  const exchange = new Exchange({
    send: (data) => {
      const sequence = data.readUInt32LE(8);
      if (data.readUInt16LE(4) === ((10 << 8) | 16)) {
        const datagram = Buffer.alloc(28);
        generation += 1;
        datagram.writeUInt32LE(28, 0);
        datagram.writeUInt16LE((10 << 8) | 15, 4);
        datagram.writeUInt32LE(sequence, 8);
        datagram.writeUInt32BE(generation, 24);
        queue.push(datagram);
        return 0;
      }
      sent.push(data.readUInt32BE(generationOffset));
      const { first, last } = answers[sent.length - 1] ?? {};
      if (first !== undefined) queue.push(answer(sequence, first));
      if (last !== undefined) queue.push(answer(sequence + 1, last));
      return 0;
    },
    receive: () => queue.shift() ?? eagain,
  });
  return { exchange, sent };
}

describe('what the kernel says to a batch', () => {
  const batch = (): Buffer =>
    encodeBatch(tx([{ kind: 'add elements', set: 'four', elements: [['10.0.0.1', '']] }]), formOf) ?? Buffer.alloc(0);

  test("a commit of another's is met by the next generation, at once", () => {
    const { exchange, sent } = exchangeWith([{ first: erestart }, { first: erestart }, { last: 0 }]);
    expect(exchange.write(batch())).toEqual({ kind: 'written' });
    expect(sent).toEqual([101, 102, 103]);
  });

  test('after five of them it is given up', () => {
    const { exchange, sent } = exchangeWith(Array.from({ length: 9 }, () => ({ first: erestart })));
    expect(exchange.write(batch())).toEqual({ kind: 'refused', errno: erestart });
    expect(sent).toHaveLength(5);
  });

  test('a refusal is none of these, and what is not answered is unknown', () => {
    const { exchange } = exchangeWith([{ last: enoent }, {}, { first: erestart, last: 0 }, { last: 0 }]);
    expect(exchange.write(batch())).toEqual({ kind: 'refused', errno: enoent });
    expect(exchange.write(batch())).toEqual({ kind: 'unknown', errno: eagain });
    // Answers to what was given up are not taken for those of the next.
    expect(exchange.write(batch())).toEqual({ kind: 'written' });
  });
});

test.each<[string, Command]>([
  ['a rule', { kind: 'flush chain', name: 'a' }],
  ['a set that is not known', { kind: 'add elements', set: 'unknown', elements: [['10.0.0.1', '']] }],
  ['a network', { kind: 'add elements', set: 'four', elements: [['10.0.0.0/8', '']] }],
  ['a range', { kind: 'add elements', set: 'port', elements: [['80-90', '']] }],
  ['another verdict', { kind: 'add elements', set: 'verdict4', elements: [['10.0.0.1', 'accept']] }],
  ['a protocol by a name of others', { kind: 'add elements', set: 'protocol', elements: [['gre', '']] }],
])('%s goes by nft, and all of its transaction', (_, command) => {
  const fine: Command = { kind: 'add elements', set: 'four', elements: [['10.0.0.1', '']] };
  expect(encodeBatch(tx([fine]), formOf)).toBeDefined();
  expect(encodeBatch(tx([fine, command]), formOf)).toBeUndefined();
});

test.each<Partial<SetForm>>([{ interval: true }, { dynamic: { timeoutSeconds: 60, size: 10 } }])(
  'elements of a set of %j go by nft',
  (more) => {
    const commands: Command[] = [{ kind: 'add elements', set: 'four', elements: [['10.0.0.1', '']] }];
    expect(encodeBatch(tx(commands), () => ({ ...form('four', ['ipv4_addr']), ...more }))).toBeUndefined();
  },
);

describePackets('elements by netlink', () => {
  const spaces: NftNamespace[] = [];
  const writers: ElementWriter[] = [];
  const space = (): NftNamespace => {
    const one = new NftNamespace();
    spaces.push(one);
    one.apply(tx(made));
    return one;
  };
  const writerIn = async (kernel: NftNamespace): Promise<ElementWriter> => {
    const writer = await elementWriterIn(kernel);
    writers.push(writer);
    return writer;
  };
  const batchOf = (commands: readonly Command[]): Buffer => {
    const batch = encodeBatch(tx(commands), formOf);
    if (batch === undefined) throw new Error(`not for netlink: ${JSON.stringify(commands)}`);
    return batch;
  };
  const listed = (kernel: NftNamespace): string =>
    kernel.run('nft', 'list', 'table', 'inet', 'podwall').replace(/elements = \{[^}]*\}/g, (text) =>
      text
        .replace(/^elements = \{|\}$/g, '')
        .split(',')
        .map((one) => one.trim())
        .sort()
        .join(),
    );
  afterAll(async () => {
    for (const one of writers) await one[Symbol.asyncDispose]();
    for (const one of spaces) one[Symbol.dispose]();
  });

  test('counters are read as nft lists them, of one table, also while others commit; none where there is no table', async () => {
    const kernel = space();
    const writer = await writerIn(kernel);
    const names = Array.from({ length: 700 }, (_, index) => `rule-in-some-policy-${index}`);
    kernel.load(names.map((name, n) => `add counter inet podwall ${name} { packets ${n * 7} bytes ${n} }`).join('\n'));
    kernel.load('add table inet other; add counter inet other foreign { packets 5 bytes 5 }');
    kernel.load('add table netdev podwall; add counter netdev podwall large { packets 4294967296123 bytes 1 }');
    const table = { family: 'inet', table: 'podwall' } as const;
    const listed = parseCounters(kernel.run('nft', '-j', 'list', 'counters', 'table', 'inet', 'podwall'));
    expect(listed.size).toBe(700);
    expect(await writer.counters(table)).toEqual(listed);
    expect(await writer.counters({ ...table, family: 'netdev' })).toEqual(new Map([['large', 4294967296123]]));
    expect(await writer.counters({ ...table, table: 'none' })).toEqual(new Map());
    const readings: number[] = [];
    for (let index = 0; index < 20; index += 1) {
      const reading = writer.counters(table);
      kernel.run('nft', 'add', 'chain', 'inet', 'other', `c${index}`);
      // Undefined: interrupted each time, so that nft is asked.
      readings.push((await reading)?.size ?? 700);
    }
    expect(new Set(readings)).toEqual(new Set([700]));
  }, 30_000);

  describe('the same random transactions', () => {
    let [byNft, byNetlink]: NftNamespace[] = [];
    let writer: ElementWriter | undefined;
    beforeAll(async () => {
      [byNft, byNetlink] = [space(), space()];
      writer = await writerIn(byNetlink);
    });

    test('by both ways lead to the same listing', async () => {
      let held: ReadonlyMap<string, readonly Element[]> = new Map();
      for (const next of fc.sample(state, { numRuns: cases(60) })) {
        const commands = commandsBetween(held, next);
        if (commands.length === 0) continue;
        const marked: Command[] = [
          ...commands,
          { kind: 'add counter', name: 'commit-1' },
          { kind: 'delete counter', name: 'commit-1' },
        ];
        byNft?.apply(tx(marked));
        expect(await writer?.write(batchOf(marked))).toBe(true);
        held = next;
        if (byNft === undefined || byNetlink === undefined) throw new Error('no namespace');
        expect(listed(byNetlink)).toBe(listed(byNft));
      }
      expect(held.size).toBeGreaterThan(0);
    }, 60_000);

    test('are refused as a whole by both', async () => {
      if (byNft === undefined || byNetlink === undefined) throw new Error('no namespace');
      const before = listed(byNetlink);
      const good: Command = { kind: 'add elements', set: 'port', elements: [['4711', '']] };
      const refused: readonly Command[][] = [
        [good, { kind: 'delete elements', set: 'four', keys: ['10.1.2.3'] }],
        [{ kind: 'delete elements', set: 'four', keys: ['10.1.2.3'] }, good],
        [good, { kind: 'add elements', set: 'verdict4', elements: [['10.1.2.3', 'goto nowhere']] }],
        [good, { kind: 'delete counter', name: 'none' }],
      ];
      for (const commands of refused) {
        expect(await writer?.write(batchOf(commands))).toBe(false);
        expect(() => byNft?.apply(tx(commands))).toThrow();
        expect(listed(byNetlink)).toBe(before);
      }
      // Elements that are there are no fault; another verdict for one is.
      const [again, other] = ['a', 'b'].map((target): Command[] => [
        { kind: 'add elements', set: 'verdict4', elements: [['10.7.7.7', `goto ${target}`]] },
      ]) as [Command[], Command[]];
      for (const [commands, taken] of [
        [again, true],
        [again, true],
        [other, false],
      ] as const)
        expect(await writer?.write(batchOf(commands))).toBe(taken);
    });

    test('by way of the client: those it knows the sets of; the monitor takes them for its own', async () => {
      if (byNetlink === undefined || writer === undefined) throw new Error('no namespace');
      const written: boolean[] = [];
      const real = writer;
      const elements: Omit<ElementWriter, keyof AsyncDisposable> = {
        write: async (batch) => {
          const taken = await real.write(batch);
          written.push(taken);
          return taken;
        },
        counters: (table) => real.counters(table),
        elements: (table, form, onPiece) => real.elements(table, form, onPiece),
      };
      const client = await openNftClient({ command: ['ip', 'netns', 'exec', byNetlink.name, 'nft'], elements });
      const foreign: ForeignChange[] = [];
      using monitor = monitorTables({ client, onForeignChange: (change) => void foreign.push(change) });
      expect(monitor).toBeDefined();
      const add = (key: string): Transaction => tx([{ kind: 'add elements', set: 'four', elements: [[key, '']] }]);
      try {
        // nft monitor is not ready at once: a commit of others says when it is.
        await until(() => {
          byNetlink?.run('nft', 'add', 'element', 'inet', 'podwall', 'four', '{ 10.5.0.1 }');
          byNetlink?.run('nft', 'delete', 'element', 'inet', 'podwall', 'four', '{ 10.5.0.1 }');
          return foreign.length > 0;
        });
        await client.apply(add('10.6.0.1'));
        expect(written).toEqual([]);
        await client.list({ family: 'inet', table: 'podwall' });
        await delay(300);
        foreign.length = 0;
        for (let index = 2; index < 20; index += 1) await client.apply(add(`10.6.0.${index}`));
        await client.apply(tx([{ kind: 'delete elements', set: 'four', keys: ['10.6.0.1'] }]));
        expect(written).toEqual(Array.from({ length: 19 }, () => true));
        // What netlink refuses, nft gives the reason of.
        const wrong = tx([{ kind: 'delete elements', set: 'four', keys: ['10.6.0.1'] }]);
        await expect(client.apply(wrong)).rejects.toThrow('No such file or directory');
        expect(written.at(-1)).toBe(false);
        byNetlink.run('nft', 'add', 'element', 'inet', 'podwall', 'four', '{ 10.5.0.2 }');
        await until(() => foreign.length > 0);
        expect(foreign).toHaveLength(1);
        expect(foreign[0]?.text).toContain('10.5.0.2');
      } finally {
        await client.close();
      }
    }, 30_000);

    test('as many as a batch holds are taken at once', async () => {
      if (byNetlink === undefined) throw new Error('no namespace');
      const elements = Array.from({ length: mostElements }, (_, index): Element => [
        `fd01::${index.toString(16)} . ${index}`,
        'goto a',
      ]);
      expect(await writer?.write(batchOf([{ kind: 'add elements', set: 'verdict6', elements }]))).toBe(true);
      expect(byNetlink.list().sets.get('verdict6')?.elements.size).toBeGreaterThanOrEqual(mostElements);
      const one: Element = ['fd01::ffff:1 . 1', 'goto a'];
      expect(
        encodeBatch(tx([{ kind: 'add elements', set: 'verdict6', elements: [...elements, one] }]), formOf),
      ).toBeUndefined();
    });
  });
});
