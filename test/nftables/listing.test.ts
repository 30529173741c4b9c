/** What nft lists as the table's objects, and what we add by JSON as what nft would list. */
import { describe, expect, test } from '@jest/globals';
import { transactionToJson } from '../../src/nftables/language/command-json.js';
import { parseCounters, parseCountersText, parseHookDevices, parseTable } from '../../src/nftables/language/listing.js';
import { NftError } from '../../src/nftables/language/nftables.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { planReplacement } from '../../src/nftables/plan/plan.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
import type { AuditRules } from '../../src/nftables/render/log-rules.js';
import { render, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { titledPrograms } from './example-programs.js';
import { address } from './programs.js';

const listingOf = (...objects: readonly object[]): string => JSON.stringify({ nftables: objects });

/** As nft 1.0.6 prints them, in its order: comments of tables and chains are not among it. */
const head = { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } };
const inet = { family: 'inet', table: 'podwall' };
const listing = listingOf(
  head,
  { table: { family: 'inet', name: 'podwall', handle: 1 } },
  { counter: { ...inet, name: 'drop-in', handle: 1, packets: 7, bytes: 420 } },
  { set: { ...inet, name: 'pods4', type: 'ipv4_addr', handle: 2, elem: ['10.0.0.1', '10.0.0.2'] } },
  {
    set: {
      ...{ ...inet, name: 'blocks4', type: ['ipv4_addr', 'inet_proto'], handle: 3 },
      ...{ comment: 'blocks', flags: ['interval'] },
      elem: [
        { concat: [{ prefix: { addr: '10.0.0.0', len: 8 } }, { range: [0, 255] }] },
        { concat: [{ range: ['192.0.2.1', '192.0.2.5'] }, 'tcp'] },
      ],
    },
  },
  {
    set: {
      ...{ ...inet, name: 'cache4-1', type: ['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service'], handle: 4 },
      ...{ size: 1024, flags: ['timeout'], timeout: 60 },
      elem: [{ elem: { val: { concat: ['10.0.0.1', '10.0.0.2', 'tcp', 80] }, expires: 59 } }],
    },
  },
  {
    map: {
      ...{ ...inet, name: 'ingress4', type: 'ipv4_addr', handle: 6, map: 'verdict' },
      elem: [
        ['10.0.0.1', { goto: { target: 'allow' } }],
        ['10.0.0.2', { drop: null }],
      ],
    },
  },
  { map: { ...inet, name: 'foreign', type: 'ipv4_addr', handle: 12, map: 'mark', elem: [['10.0.0.1', 5]] } },
  { chain: { ...inet, name: 'allow', handle: 7 } },
  { chain: { ...inet, name: 'forward', handle: 8, type: 'filter', hook: 'forward', prio: -10, policy: 'drop' } },
  {
    rule: {
      ...{ ...inet, chain: 'forward', handle: 10, comment: 'policy shop/deny' },
      expr: [
        { match: { op: '==', left: { ct: { key: 'ip saddr', dir: 'original' } }, right: '@pods4' } },
        { counter: 'drop-in' },
        { drop: null },
      ],
    },
  },
  {
    rule: {
      ...{ ...inet, chain: 'forward', handle: 13 },
      expr: [
        { mangle: { key: { meta: { key: 'mark' } }, value: 7 } },
        { reject: { type: 'icmpx', expr: 'port-unreachable' } },
      ],
    },
  },
);

describe('a listing of nft 1.0.6', () => {
  const table = parseTable(listing);
  const sets = (name: string) => table.sets.get(name);

  test('has its table, and the counters with their packets', () => {
    expect(table).toMatchObject({ family: 'inet', table: 'podwall', counters: new Set(['drop-in']) });
    expect(parseCounters(listing)).toEqual(new Map([['drop-in', 7]]));
  });

  test('counters as text, with comments or without; none of them is overlooked', () => {
    const [plain, commented] = [
      '\tcounter drop-in {\n\t\tpackets 7 bytes 420\n\t}\n',
      '\tcounter drop-out {\n\t\tcomment "of x"\n\t\tpackets 3 bytes 9\n\t}\n',
    ];
    const both = new Map([
      ['drop-in', 7],
      ['drop-out', 3],
    ]);
    expect(parseCountersText(`table inet podwall {\n${plain}${commented}}\n`)).toEqual(both);
    expect(parseCountersText('table inet podwall {\n}\n')).toEqual(new Map());
    expect(parseCountersText(`table inet podwall {\n${plain}\tcounter x { packets 1 }\n}\n`)).toBeUndefined();
  });

  test('has sets, with elements as canonical text', () => {
    expect([...table.sets.keys()]).toEqual(['pods4', 'blocks4', 'cache4-1', 'ingress4', 'foreign']);
    expect(sets('pods4')).toEqual({
      ...{ name: 'pods4', type: ['ipv4_addr'], verdicts: false, interval: false },
      elements: new Map([
        ['10.0.0.1', ''],
        ['10.0.0.2', ''],
      ]),
    });
    expect(sets('blocks4')).toEqual({
      ...{ name: 'blocks4', type: ['ipv4_addr', 'inet_proto'], verdicts: false, interval: true },
      elements: new Map([
        ['10.0.0.0/8 . 0-255', ''],
        ['192.0.2.1-192.0.2.5 . tcp', ''],
      ]),
    });
  });

  test('has sets that packets fill, without what they added', () => {
    expect(sets('cache4-1')).toEqual({
      ...{ name: 'cache4-1', type: ['ipv4_addr', 'ipv4_addr', 'inet_proto', 'inet_service'] },
      ...{ verdicts: false, interval: false, dynamic: { timeoutSeconds: 60, size: 1024 }, elements: new Map() },
    });
  });

  test('has maps to verdicts, and a map of somebody else that differs from all of ours', () => {
    expect(sets('ingress4')).toEqual({
      ...{ name: 'ingress4', type: ['ipv4_addr'], verdicts: true, interval: false },
      elements: new Map([
        ['10.0.0.1', 'goto allow'],
        ['10.0.0.2', 'drop'],
      ]),
    });
    expect(sets('foreign')).toMatchObject({ verdicts: false, elements: new Map([['["10.0.0.1",5]', '']]) });
  });

  test('has chains with their hook and rules, statements of somebody else as they stand', () => {
    expect([...table.chains.values()]).toEqual([
      { name: 'allow', rules: [] },
      {
        name: 'forward',
        hook: { type: 'filter', hook: 'forward', priority: -10, policy: 'drop' },
        rules: [
          {
            statements: [
              { match: { op: '==', left: { ct: { key: 'ip saddr', dir: 'original' } }, right: '@pods4' } },
              { counter: 'drop-in' },
              { drop: null },
            ],
            comment: 'policy shop/deny',
          },
          {
            statements: [
              { mangle: { key: { meta: { key: 'mark' } }, value: 7 } },
              { reject: { type: 'icmpx', expr: 'port-unreachable' } },
            ],
          },
        ],
      },
    ]);
  });

  test('has IPv6 addresses as RFC 5952 writes them, and chains of netdev without their device', () => {
    const netdev = { family: 'netdev', table: 'podwall' };
    const hook = { type: 'filter', hook: 'ingress', prio: 0, policy: 'accept' };
    const found = parseTable(
      listingOf(
        head,
        { table: { family: 'netdev', name: 'podwall', handle: 2 } },
        { set: { ...netdev, name: 'self6', type: 'ipv6_addr', handle: 1, elem: ['::ffff:1.2.3.4', 'fd00::7'] } },
        { chain: { ...netdev, name: 'guard-lo', handle: 3, ...hook } },
      ),
    );
    expect(found.family).toBe('netdev');
    expect([...(found.sets.get('self6')?.elements.keys() ?? [])]).toEqual(['::ffff:102:304', 'fd00::7']);
    const listed = { type: 'filter', hook: 'ingress', priority: 0, policy: 'accept' };
    expect(found.chains.get('guard-lo')?.hook).toEqual(listed);
  });

  test.each([
    ['nothing', ''],
    ['half of it', listing.slice(0, 200)],
    ['no objects', '{}'],
    ['no table', listingOf(head)],
  ])('that has %s is none', (_, text) => {
    expect(() => parseTable(text)).toThrow(NftError);
  });
});

describe('what we never write', () => {
  const inTable = { family: 'inet', table: 'podwall' };
  const table = parseTable(
    listingOf(
      // As nft 1.0.6 prints a table that is dormant.
      { table: { family: 'inet', name: 'podwall', handle: 1, flags: 'Lester Gooch #5' } },
      { quota: { ...inTable, name: 'q', handle: 4, bytes: 5242880, used: 0, inv: true } },
      { 'ct helper': { ...inTable, name: 'q', handle: 5, type: 'ftp', protocol: 'tcp', l3proto: 'inet' } },
      { set: { ...inTable, name: 's', type: 'ipv4_addr', handle: 8, stmt: [{ counter: null }] } },
    ),
  );

  test('is kept by kind and name, and a table with flags is known as one', () => {
    expect(table.isFlagged).toBe(true);
    expect([...table.others.values()]).toEqual([
      { kind: 'quota', name: 'q' },
      { kind: 'ct helper', name: 'q' },
    ]);
    expect(table.sets.get('s')?.isForeign).toBe(true);
  });
});

describe('the devices of base chains', () => {
  test.each([
    ['one', ' device "v0"', 'v0'],
    ['several', ' devices = { v0, v1 }', 'v0, v1'],
    ['several of nft 1.1', ' devices = { "v0", "v1" }', 'v0, v1'],
    ['none', '', ''],
  ])('%s', (_, on, devices) => {
    const chain = (name: string, rest = ''): string =>
      `\tchain ${name} {\n${rest}\t\ttype filter hook ingress${on} priority -500; policy drop;\n\t}\n`;
    const text = `table netdev other {\n${chain('guard-v0')}}\ntable netdev podwall {\n\tchain plain {\n\t}\n${chain('guard-v1', '\t\tcomment "its pod"\n')}}\n`;
    expect(parseHookDevices(text, { family: 'netdev', table: 'podwall' })).toEqual(new Map([['guard-v1', devices]]));
  });
});

describe('a listing of nft 1.1', () => {
  const inTable = { family: 'inet', table: 'podwall' };
  const found = parseTable(
    listingOf(
      { table: { family: 'inet', name: 'podwall' } },
      { set: { ...inTable, name: 'pods4', type: { typeof: { payload: { protocol: 'ip', field: 'saddr' } } } } },
      {
        map: {
          ...inTable,
          name: 'pairs6',
          map: 'verdict',
          type: {
            typeof: { concat: [{ payload: { protocol: 'ip6', field: 'saddr' } }, { meta: { key: 'l4proto' } }] },
          },
        },
      },
      { set: { ...inTable, name: 'marks', type: { typeof: { meta: { key: 'mark' } } } } },
      { chain: { ...inTable, name: 'forward' } },
      {
        rule: {
          ...inTable,
          chain: 'forward',
          expr: [
            {
              match: {
                op: '!=',
                left: { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, { '|': ['fin', 'syn'] }] },
                right: 'syn',
              },
            },
          ],
        },
      },
    ),
  );

  test('has types of keys as 1.0.6 names them, and what we never write as it stands', () => {
    expect([...found.sets.values()].map(({ type }) => type)).toEqual([
      ['ipv4_addr'],
      ['ipv6_addr', 'inet_proto'],
      ['{"meta":{"key":"mark"}}'],
    ]);
  });

  test('has flags under a mask as 1.0.6 lists them', () => {
    const left = { '&': [{ payload: { protocol: 'tcp', field: 'flags' } }, ['fin', 'syn']] };
    expect(found.chains.get('forward')?.rules).toEqual([{ statements: [{ match: { op: '!=', left, right: 'syn' } }] }]);
  });
});

type Added = Readonly<Record<string, { readonly name?: string; readonly elem?: readonly unknown[] }>>;

/** The objects that command-json adds for a whole table, each set with its elements. */
function added(ruleset: Ruleset): readonly Added[] {
  const { nftables } = transactionToJson(planReplacement(ruleset)) as { nftables: readonly { add?: Added }[] };
  const objects = nftables.flatMap(({ add }) => (add === undefined ? [] : [add]));
  const elements = new Map(objects.flatMap(({ element }) => (element ? [[element.name, element.elem] as const] : [])));
  const withElements = (object: Added): Added =>
    Object.fromEntries(
      Object.entries(object).map(([kind, body]) => [
        kind,
        kind === 'set' || kind === 'map' ? { ...body, elem: elements.get(body.name) ?? [] } : body,
      ]),
    );
  return objects.filter(({ element }) => element === undefined).map(withElements);
}

/** Titles are comments of text only. */
const withoutTitle = <T extends object>(titled: T): T => ({ ...titled, title: undefined });
const untitled = (ruleset: Ruleset): unknown => ({
  ...withoutTitle(ruleset),
  others: new Map(),
  sets: new Map([...ruleset.sets].map(([name, set]) => [name, withoutTitle(set)])),
  chains: new Map([...ruleset.chains].map(([name, chain]) => [name, withoutTitle(chain)])),
});

describe('what command-json adds is parsed as the same objects', () => {
  const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
  const everyOption: readonly RenderOptions[] = [
    { established: 'keep' },
    { established: 'reevaluate', inlineLists: 0, inlineRules: 0, audit },
    { established: 'reevaluate', mode: 'dry-run', audit },
  ];

  test.each(titledPrograms)('the ruleset of %s, however it is rendered', (_, program) => {
    for (const options of everyOption) {
      const ruleset = render(program, options);
      expect(ruleset.chains.size).toBeGreaterThan(5);
      expect(parseTable(listingOf(head, ...added(ruleset)))).toEqual(untitled(ruleset));
    }
  });

  test('guards, on a device that no text can name', () => {
    const guards = renderGuards(
      [
        {
          ...{ kind: 'bridged', pod: { namespace: 'x', name: 'a' }, podUid: 'a', device: 'veth0@if.9_-', ifindex: 7 },
          addresses: [address('10.0.0.1'), address('fd00::1')],
        },
      ],
      { sourceGuardOffNamespaces: new Set(), audit, mode: 'enforce' },
    );
    expect([...guards.chains.values()].map(({ hook }) => hook?.device)).toContain('veth0@if.9_-');
    expect(parseTable(listingOf(head, ...added(guards)))).toEqual(untitled(guards));
  });
});
