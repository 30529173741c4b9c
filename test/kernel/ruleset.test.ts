import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler } from '../../src/compiler/compiler.js';
import type { Address } from '../../src/model/address.js';
import { changesFrom } from '../../src/model/cluster.js';
import type { Command } from '../../src/nftables/language/command.js';
import { commentOf } from '../../src/nftables/language/comment-text.js';
import { emptyRuleset, type MutableRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { cacheInUse } from '../../src/nftables/render/cache.js';
import { cacheUses } from '../../src/nftables/names/chains.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { planReplacement } from '../../src/nftables/plan/plan.js';
import { render, Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { changeFrom } from '../../src/program/change.js';
import { effectOf } from '../../src/program/effect.js';
import type { Effect, GroupId, PolicyProgram } from '../../src/program/types.js';
import { cidr, everyFeature, program } from '../nftables/programs.js';
import { cluster, history } from '../support/arbitrary.js';
import { converge as convergeTurn, type LoneTurn, type Phases } from '../support/converge.js';
import { seed } from '../support/seed.js';
import { NftNamespace } from './nft-namespace.js';

const reevaluate = { established: 'reevaluate' } as const;
const logged: RenderOptions = {
  ...reevaluate,
  audit: { group: 100, pairRate: 10, pairBurst: 20, pairs: 4096, sharedRate: 50 },
};
const spaces: NftNamespace[] = [];
const space = (): NftNamespace => {
  const made = new NftNamespace();
  spaces.push(made);
  return made;
};
afterAll(() => spaces.forEach((one) => one[Symbol.dispose]()));

const run = (turn: LoneTurn, kernel: NftNamespace): Phases =>
  convergeTurn(turn, (transaction) => kernel.apply(transaction));

const generation = (number: number): string[] =>
  [
    ...[4, 6].flatMap((family) =>
      ['', '-except', '-pods', '-clients', '-servers'].map((what) => `cache${what}${family}`),
    ),
    ...cacheUses,
    'cache-lookup-excepting',
    'icmp-error-cache-lookup-excepting',
  ].map((name) => `${name}-${number}`);

/** Sets and chains in the order in which they are deleted and added. */
function objectsOf(steps: Phases['sweep']): unknown[] {
  const nameIn = (command: Command, verb: string): string | undefined => {
    if (command.kind === 'add set') return verb === 'add' ? command.set.name : undefined;
    const isObject = command.kind === `${verb} set` || command.kind === `${verb} chain`;
    return isObject && 'name' in command ? command.name : undefined;
  };
  const names = (verb: string): string[] =>
    steps.flatMap((step) => step.transaction.commands).flatMap((command) => nameIn(command, verb) ?? []);
  return ['delete', 'add'].flatMap((verb) => (names(verb).length === 0 ? [] : [verb, names(verb)]));
}

/** Brings the kernel to `desired` from what was read back; returns the applied model. */
function converge(kernel: NftNamespace, desired: Ruleset, applied: MutableRuleset, effect: Effect = 'narrows'): Phases {
  return run({ desired, applied, dirty: findDrift(desired, applied), effect }, kernel);
}

const expectEqual = (kernel: NftNamespace, desired: Ruleset): void => {
  const listed = kernel.list();
  const dirty = findDrift(desired, listed);
  expect({ chains: [...dirty.chains], sets: [...dirty.sets], counters: [...dirty.counters] }).toEqual({
    chains: [],
    sets: [],
    counters: [],
  });
  expect(Object.fromEntries(dirty.elements)).toEqual({});
};

describe.each([
  ['denials only counted', reevaluate],
  ['denials logged', logged],
  ['rules put together', { ...reevaluate, inlineLists: 0, inlineRules: 2 }],
  ['packets that nobody tracks by their header', { ...reevaluate, untracked: 'stateless' }],
  ['rules looked for in buckets', { ...reevaluate, inlineLists: 0, inlineRules: 0 }],
] as const satisfies readonly (readonly [string, RenderOptions])[])(
  'a program with every feature, %s',
  (_, options: RenderOptions) => {
    const desired = render(everyFeature, options);

    test('is listed as it was rendered, statement by statement', () => {
      const kernel = space();
      kernel.apply(planReplacement(desired));
      const listed = kernel.list();
      for (const [name, chain] of desired.chains)
        expect({ ...listed.chains.get(name), title: chain.title }).toEqual(chain);
      for (const [name, set] of desired.sets) expect({ ...listed.sets.get(name), title: set.title }).toEqual(set);
      expect(listed.counters).toEqual(desired.counters);
      expect(listed.chains.size).toBe(desired.chains.size);
      expect(listed.sets.size).toBe(desired.sets.size);
    });

    test('looks for rules in buckets only when asked to, or when there are many', () => {
      expect([...desired.sets.keys()].some((name) => name.startsWith('peers4-'))).toBe(options.inlineRules === 0);
    });

    test('is replaced over itself in one transaction', () => {
      const kernel = space();
      kernel.apply(planReplacement(desired));
      kernel.apply(planReplacement(desired));
      expectEqual(kernel, desired);
    });

    test('loads as text, and lists like the JSON', () => {
      const [json, text] = [space(), space()];
      json.apply(planReplacement(desired));
      text.load(printRuleset(desired));
      expect(text.list()).toEqual(json.list());
      expectEqual(text, desired);
    });

    test('is built in phases, and the hook comes last', () => {
      const kernel = space();
      const plan = converge(kernel, desired, emptyRuleset());
      expectEqual(kernel, desired);
      expect(JSON.stringify(plan.build)).not.toContain('"hook"');
      expect(plan.switch?.transaction.commands[0]).toMatchObject({
        kind: 'add chain',
        name: 'forward',
        hook: { policy: 'drop' },
      });
      expect(objectsOf(plan.sweep)).toEqual(['add', generation(2)]);
    });

    test('keeps established flows when asked to', () => {
      const kernel = space();
      const keeping = render(everyFeature, { ...options, established: 'keep' });
      kernel.apply(planReplacement(desired));
      converge(kernel, keeping, kernel.list());
      expectEqual(kernel, keeping);
      expect(kernel.run('nft', 'list', 'chain', 'inet', 'podwall', 'forward')).toContain('ct state established accept');
    });
  },
);

describe('titles', () => {
  const desired = render(everyFeature, reevaluate);

  test('are comments of tables, chains and sets of intervals, as render prints them', () => {
    const kernel = space();
    kernel.apply(planReplacement(desired));
    const listed = kernel.run('nft', 'list', 'table', 'inet', 'podwall');
    const rendered = printRuleset(desired);
    const sets = [...desired.sets.values()].filter(({ interval }) => interval);
    const titles = [desired, ...desired.chains.values(), ...sets].flatMap(({ title }) => title ?? []);
    expect(titles.length).toBeGreaterThan(20);
    for (const title of titles) {
      const comment = `comment "${commentOf(title)}"`;
      expect(listed).toContain(comment);
      expect(rendered).toContain(comment);
    }
  });

  test('others than the kernel has are no drift', () => {
    const kernel = space();
    kernel.load(printRuleset(desired).replaceAll(/^( +(?:comment|set|map) .*)"[^"]*";/gm, '$1"something else";'));
    expect(kernel.run('nft', 'list', 'table', 'inet', 'podwall')).toContain('comment "something else"');
    expectEqual(kernel, desired);
  });
});

describe('what others did to the table is undone', () => {
  const desired = render(everyFeature, reevaluate);
  const iso = [...desired.chains.keys()].find((name) => name.startsWith('iso-in-')) ?? '';
  const list = [...desired.chains.keys()].find((name) => name.startsWith('in-lab-web')) ?? '';
  const table = 'inet podwall';
  let kernel: NftNamespace;
  beforeEach(() => {
    kernel = space();
    kernel.apply(planReplacement(desired));
  });

  test.each([
    ['an element deleted', `delete element ${table} isolated-in4 { 10.244.1.11 }`],
    ['an element added', `add element ${table} pods4 { 10.9.9.9 }`],
    ['a map element deleted', `delete element ${table} ingress4 { 10.244.1.11 }`],
    ['a map emptied', `flush map ${table} ingress4`],
    ['an interval element deleted', `delete element ${table} unknown-ranges4 { 10.244.1.0/24 . 0-255 }`],
    ['a foreign rule in the base chain', `insert rule ${table} forward accept`],
    ['a foreign rule in a rule list', `insert rule ${table} ${list} accept`],
    ['a foreign rule in an isolation', `insert rule ${table} ${iso} limit rate 1/second log prefix "x" accept`],
    ['a chain emptied', `flush chain ${table} icmp-errors`],
    ['the base chain deleted', `flush chain ${table} forward; delete chain ${table} forward`],
    ['the base chain opened', `add chain ${table} forward { policy accept; }`],
    [
      'a foreign chain with a hook',
      `add chain ${table} evil { type filter hook input priority 0; }; add rule ${table} evil jump not-isolated`,
    ],
    [
      'a foreign set',
      `add set ${table} evil { type ipv4_addr; flags interval; }; add element ${table} evil { 10.0.0.0/8 }`,
    ],
    [
      'a foreign map to our chains',
      `add map ${table} evil { type inet_service : verdict; elements = { 80 : goto allow }; }`,
    ],
    ['a foreign counter', `add counter ${table} evil`],
    ['the cache emptied of rules', `flush chain ${table} cache-lookup`],
    ['the cache taught a wrong rule', `insert rule ${table} cache-lookup accept`],
    ['no relation cached any more', `flush chain ${table} cache-add`],
    [
      'a set made anew with another type',
      `flush chain ${table} allow; delete set ${table} uncached-in4; add set ${table} uncached-in4 { type ipv6_addr; }`,
    ],
    ['everything flushed', 'flush ruleset; add table inet podwall'],
  ])('%s', (_, damage) => {
    kernel.load(damage);
    const applied = kernel.list();
    expect(isDirty(findDrift(desired, applied))).toBe(true);
    converge(kernel, desired, applied);
    expectEqual(kernel, desired);
    expect(isDirty(findDrift(applied, kernel.list()))).toBe(false);
  });
});

describe('moving from one program to another', () => {
  const steps: readonly (readonly [string, PolicyProgram])[] = [
    ['everything', everyFeature],
    ['nothing', program({})],
    ['everything again', everyFeature],
    ['no isolation', { ...everyFeature, endpoints: new Map([...everyFeature.endpoints].slice(3)) }],
    ['half', { ...everyFeature, endpoints: new Map([...everyFeature.endpoints].slice(1)) }],
  ];

  test('leaves nothing behind, and the model is what the kernel lists', () => {
    const kernel = space();
    const applied = emptyRuleset();
    for (const [, state] of steps) {
      const desired = render(state, reevaluate);
      converge(kernel, desired, applied);
      expectEqual(kernel, desired);
      // Beside what is desired there is the generation of the cache that the next narrowing will move to.
      expect(applied.sets.size).toBe(desired.sets.size + 2 * 5);
      expect(applied.chains.size).toBe(desired.chains.size + 5);
      expect(isDirty(findDrift(applied, kernel.list()))).toBe(false);
    }
  });

  test('by way of the compiler and the renderer, on random clusters', () => {
    const kernel = space();
    for (const [start, steps] of fc.sample(fc.tuple(cluster, history), { numRuns: 6, seed })) {
      const compiler = new Compiler({ scope: { node: 'n1' }, unknownPods: 'deny' });
      const renderer = new Renderer(reevaluate);
      const applied = emptyRuleset();
      for (const changes of [changesFrom(start), ...steps]) {
        const change = compiler.apply(changes);
        const [dirty, effect] = [renderer.apply(change), effectOf(change)];
        run({ desired: renderer.ruleset(), applied, dirty, effect }, kernel);
        expectEqual(kernel, renderer.ruleset());
        expect(isDirty(findDrift(applied, kernel.list()))).toBe(false);
      }
      kernel.run('nft', 'delete', 'table', 'inet', 'podwall');
    }
  });

  test('a widening change is one transaction that leaves the verdict cache alone', () => {
    const [kernel, renderer, applied] = [space(), new Renderer(reevaluate), emptyRuleset()];
    renderer.apply(changeFrom(everyFeature));
    converge(kernel, renderer.ruleset(), applied);
    const group = everyFeature.groups.get('pods app=web' as GroupId);
    if (group === undefined) throw new Error('the group is gone');
    const more = ['10.244.1.99', 'fd00:10:244:1::63'].map((text) => text as Address);
    const change = (added: Address[], removed: Address[]): Phases => {
      const dirty = renderer.apply({
        ...changeFrom(program({})),
        groups: [{ group, change: 'members', added, removed }],
      });
      const effect = added.length > 0 ? 'widens' : 'narrows';
      const plan = run({ desired: renderer.ruleset(), applied, dirty, effect }, kernel);
      expectEqual(kernel, renderer.ruleset());
      return plan;
    };
    const widened = change(more, []);
    expect(widened).toMatchObject({ build: [], sweep: [], switch: { transaction: { effect: 'widens' } } });
    expect(widened.switch?.transaction.commands).toHaveLength(2);
    expect(cacheInUse(kernel.list())?.generation).toBe(1);
    const narrowed = change([], more);
    expect(narrowed.build).toEqual([]);
    expect(cacheInUse(kernel.list())?.generation).toBe(2);
    expect(objectsOf(narrowed.sweep)).toEqual(['delete', generation(1), 'add', generation(3)]);
    expect(JSON.stringify(narrowed.switch?.transaction.commands).length).toBeLessThan(1000);
  });

  test('other ranges of unknown pods swap the cache once more in the sweep', () => {
    const [kernel, renderer, applied] = [space(), new Renderer(reevaluate), emptyRuleset()];
    renderer.apply(changeFrom(everyFeature));
    converge(kernel, renderer.ruleset(), applied);
    const dirty = renderer.apply({
      ...changeFrom(program({})),
      unknown: { ranges: [cidr('10.244.1.0/25')], added: [], removed: [] },
    });
    const plan = run({ desired: renderer.ruleset(), applied, dirty, effect: 'narrows' }, kernel);
    expectEqual(kernel, renderer.ruleset());
    expect(plan.sweep[0]?.transaction.effect).toBe('narrows');
    expect(cacheInUse(kernel.list())?.generation).toBe(3);
  });
});
