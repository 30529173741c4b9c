/** Rules of many policies: what they hold in the kernel, and what a change costs, counted and not timed. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Compiler } from '../../src/compiler/compiler.js';
import type { Address } from '../../src/model/address.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import { policyKey, type NetworkPolicy, type PolicyRule } from '../../src/model/policy.js';
import { sets } from '../../src/nftables/names/sets.js';
import type { Dirty } from '../../src/nftables/render/dirty.js';
import { Renderer, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { cases } from '../support/seed.js';
import { Interpreter } from './interpreter.js';

const namespace = 'x';
const labelled = (key: string, value: string): NetworkPolicy['appliesTo'] => ({
  requirements: [{ operator: 'In', key, values: [value] }],
});

function podNamed(name: string, address: string, labels: Record<string, string>, node = 'n2'): ClusterChange {
  const ref = { namespace, name };
  const addresses = [address as Address];
  const state = { ports: [], hostNetwork: false, phase: 'Running', deleting: false, created: 0 } as const;
  return { kind: 'pod', ref, pod: { ref, uid: name, labels, addresses, node, ...state } };
}

interface PolicyOptions {
  readonly port?: number;
  readonly subject?: NetworkPolicy['appliesTo'];
}

/** From the pods that carry the label `peer`. */
function policyFrom(name: string, peer: string, { port = 80, subject }: PolicyOptions = {}): ClusterChange {
  const ref = { kind: 'NetworkPolicy', namespace, name } as const;
  const rule: PolicyRule = {
    peers: [{ kind: 'pods', namespaces: 'own', pods: labelled(peer, '') }],
    ports: [{ kind: 'range', protocol: 'TCP', first: port, last: port }],
  };
  return {
    kind: 'policy',
    ref,
    policy: { kind: 'policy', ref, appliesTo: subject ?? labelled('app', 'server'), ingress: [rule] },
  };
}

const without = (change: ClusterChange): ClusterChange => {
  if (change.kind === 'policy') return { kind: 'policy', ref: change.ref };
  if (change.kind === 'pod') return { kind: 'pod', ref: change.ref };
  throw new Error('neither a policy nor a pod');
};

class Node {
  readonly #compiler = new Compiler({ scope: { node: 'n1' } });
  readonly #renderer: Renderer;

  constructor(how: Partial<RenderOptions> = {}) {
    this.#renderer = new Renderer({ established: 'reevaluate', ...how });
  }

  change(...changes: readonly ClusterChange[]): Dirty {
    return this.#renderer.apply(this.#compiler.apply(changes));
  }

  get ruleset(): Ruleset {
    return this.#renderer.ruleset();
  }

  /** Distinct pairs of a group and an address. */
  get pairs(): number {
    const groups = [...this.#compiler.program().groups.values()];
    return groups.reduce((sum, group) => sum + group.members.size, 0);
  }
}

/** Of sets that hold members of groups. */
const elementsOf = ({ sets: found }: Ruleset): number =>
  [...found.values()]
    .filter(({ name }) => ['group', 'peers'].includes(sets.meaningOf(name)?.kind ?? ''))
    .reduce((sum, { elements }) => sum + elements.size, 0);

const touched = ({ chains, counters, sets: whole, elements }: Dirty): object => ({
  chains: chains.size,
  counters: counters.size,
  sets: whole.size,
  elements: [...elements.values()].reduce((sum, keys) => sum + keys.size, 0),
});

const server = podNamed('server', '10.0.0.1', { app: 'server' }, 'n1');
const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `g${index}`);
const addressAt = (index: number): string => `10.1.${index >> 8}.${index & 255}`;
/** A policy for each group of one pod each. */
const policiesFor = (count: number): ClusterChange[] =>
  names(count).flatMap((peer, index) => [
    policyFrom(`p-${peer}`, peer),
    podNamed(peer, addressAt(index), { [peer]: '' }),
  ]);

describe('elements, of all sets that hold members of groups', () => {
  test.each([
    ['20 isolations of the same policies and one of its own each', 20, 60, 100],
    ['one isolation', 1, 60, 100],
  ])('%s: at most three for every pair of a group and an address', (_, isolations, groups, members) => {
    const node = new Node();
    const peers = names(groups).flatMap((peer, group) => [
      policyFrom(`p-${peer}`, peer),
      policyFrom(`other-port-${peer}`, peer, { port: 443 }),
      ...Array.from({ length: members }, (_unused, index) =>
        podNamed(`${peer}-${index}`, addressAt(group * members + index), { [peer]: '' }),
      ),
    ]);
    const isolated = Array.from({ length: isolations }, (_unused, index) => [
      policyFrom(`own-${index}`, 'g0', { port: 22, subject: labelled('own', `${index}`) }),
      podNamed(`server-${index}`, `10.0.1.${index}`, { app: 'server', own: `${index}` }, 'n1'),
    ]).flat();
    node.change(...peers, ...isolated);
    expect(node.pairs).toBe(groups * members);
    expect(elementsOf(node.ruleset)).toBeLessThanOrEqual(3 * node.pairs);
    expect([...node.ruleset.chains.keys()].filter((name) => name.startsWith('iso-'))).toHaveLength(isolations);
  });
});

describe('of 1,000 policies on a pod', () => {
  const node = new Node();
  node.change(...policiesFor(1000), server);

  test('a packet that none allows is looked up in no more than the buckets; each peer is allowed', () => {
    const kernel = new Interpreter(node.ruleset);
    const ask = (source: string, port: number): boolean =>
      kernel.allows({ source: source as Address, destination: '10.0.0.1' as Address, protocol: 'TCP', port });
    expect(names(1000).filter((_, index) => !ask(addressAt(index), 80))).toEqual([]);
    expect([ask('10.9.9.9', 80), ask(addressAt(7), 81)]).toEqual([false, false]);
    const longest = Math.max(...[...node.ruleset.chains.values()].map(({ rules }) => rules.length));
    expect(longest).toBeLessThan(100);
    expect(node.ruleset.chains.size).toBeLessThan(200);
  });

  test('one that comes touches the chains on the way to its rule, and no other', () => {
    const dirty = node.change(policyFrom('p-new', 'new'), podNamed('new', '10.2.0.1', { new: '' }));
    const back = node.change(without(policyFrom('p-new', 'new')), without(podNamed('new', '10.2.0.1', {})));
    // The chain of its bucket, and the one of its port, old and new; the isolation and its denial.
    expect(touched(dirty)).toMatchObject({ chains: 4 + 4, counters: 3, sets: 1 });
    expect([...dirty.elements.values()].reduce((sum, keys) => sum + keys.size, 0)).toBeLessThan(8);
    expect(touched(back)).toEqual(touched(dirty));
  });

  test('a pod that joins one of its groups is an element of the group and of its bucket', () => {
    const joined = podNamed('more', '10.2.0.2', { g7: '' });
    for (const dirty of [node.change(joined), node.change(without(joined))])
      expect(touched(dirty)).toEqual({ chains: 0, counters: 0, sets: 0, elements: 2 });
  });

  test('another pod that they isolate touches its own elements alone', () => {
    const joined = podNamed('server-2', '10.0.0.2', { app: 'server' }, 'n1');
    const { chains, counters, sets: whole } = node.change(joined);
    expect([chains.size, counters.size, whole.size]).toEqual([0, 0, 0]);
    node.change(without(joined));
  });
});

test('1,000 policies of a port each are found by buckets of ports', () => {
  const node = new Node();
  const policies = names(1000).map((peer, index) => policyFrom(`p-${peer}`, `g${index % 3}`, { port: 1000 + index }));
  const peers = [0, 1, 2].map((index) => podNamed(`g${index}`, addressAt(index), { [`g${index}`]: '' }));
  node.change(...policies, ...peers, server);
  const kernel = new Interpreter(node.ruleset);
  const ask = (peer: number, port: number): boolean =>
    kernel.allows({ source: addressAt(peer) as Address, destination: '10.0.0.1' as Address, protocol: 'TCP', port });
  const wrong = names(1000).flatMap((_, index) =>
    [0, 1, 2].filter((peer) => ask(peer, 1000 + index) !== (index % 3 === peer)),
  );
  expect(wrong).toEqual([]);
  expect([ask(0, 999), ask(1, 2000)]).toEqual([false, false]);
  const isolation = [...node.ruleset.chains.values()].find(({ name }) => name.startsWith('iso-'));
  expect(isolation?.rules.length).toBeLessThan(70);
});

describe('with a history of its own', () => {
  const peer = fc.constantFrom(...names(6));
  const change = fc.oneof(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), peer, port: fc.constantFrom(80, 443) }),
    fc.record({ pod: fc.nat({ max: 5 }), peers: fc.uniqueArray(peer, { maxLength: 4 }) }),
    fc.record({ without: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f') }),
    fc.record({ gone: fc.nat({ max: 5 }) }),
  );
  type Change = typeof change extends fc.Arbitrary<infer One> ? One : never;

  function changeOf(one: Change): ClusterChange {
    if ('name' in one) return policyFrom(one.name, one.peer, { port: one.port });
    if ('without' in one) return without(policyFrom(one.without, 'g0'));
    if ('gone' in one) return without(podNamed(`pod-${one.gone}`, addressAt(one.gone), {}));
    const labels = Object.fromEntries(one.peers.map((label) => [label, '']));
    return podNamed(`pod-${one.pod}`, addressAt(one.pod), labels);
  }

  const keyOf = (one: ClusterChange): string => {
    if (one.kind === 'policy') return policyKey(one.ref);
    return one.kind === 'pod' ? `pod ${one.ref.name}` : '';
  };

  test.each([0, 1, 3])('the ruleset is the one of its last state (%i rules one after another)', (inlineRules) => {
    const how = { inlineLists: 0, inlineRules };
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 8 }), (steps) => {
        const node = new Node(how);
        node.change(server);
        const last = new Map<string, ClusterChange>();
        for (const step of steps) {
          const changes = step.map(changeOf);
          node.change(...changes);
          for (const one of changes) last.set(keyOf(one), one);
          const scratch = new Node(how);
          scratch.change(server, ...last.values());
          expect(printRuleset(node.ruleset)).toBe(printRuleset(scratch.ruleset));
          expect(elementsOf(node.ruleset)).toBeLessThanOrEqual(3 * node.pairs);
        }
      }),
      { numRuns: cases(200) },
    );
  });
});
