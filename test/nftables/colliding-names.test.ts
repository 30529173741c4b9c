/** Policies whose readable names are the same in nft: each keeps chains and counters of its own. */
import { expect, test } from '@jest/globals';
import { compile } from '../../src/compiler/compiler.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import { hitsKey, ruleHits } from '../../src/nftables/names/rule-hits.js';
import { render } from '../../src/nftables/render/renderer.js';
import { ruleListId } from '../../src/program/types.js';

const long = 'n'.repeat(250);
/** Of one readable text: joined with the namespace, written without dots, or cut. */
const colliding: readonly (readonly [namespace: string, name: string])[] = [
  ['a', 'b-c'],
  ['a-b', 'c'],
  ['a', 'b.c'],
  ['a', `${long}1`],
  ['a', `${long}2`],
  ['ingress', 'in-a'],
  ['a', 'a.in'],
];

const snapshot = {
  namespaces: [],
  nodes: [],
  pods: ['a', 'a-b', 'ingress'].map((namespace, index) => {
    const parsed = parsePod({
      metadata: { name: 'pod', namespace },
      spec: { nodeName: 'n1' },
      status: { podIPs: [{ ip: `10.0.0.${index + 1}` }] },
    });
    if (!parsed.ok) throw new Error(namespace);
    return parsed.value;
  }),
  policies: colliding.map(([namespace, name]) => {
    const spec = { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] };
    const parsed = parseNetworkPolicy({ metadata: { name, namespace }, spec }, { strict: true });
    if (!parsed.ok) throw new Error(name);
    return parsed.value;
  }),
};

const program = compile(snapshot, { scope: { node: 'n1' } });
const ruleset = render(program, { established: 'reevaluate' });

test('the rules are the same, and the names of chains and counters are not', () => {
  const lists = [...program.ruleLists.values()];
  expect(lists).toHaveLength(colliding.length);
  const keys = lists.map((list) => hitsKey(list, 0));
  expect(new Set(keys).size).toBe(colliding.length);
  const hits = ruleHits(ruleset, new Map());
  expect(keys.filter((key) => !hits.has(key))).toEqual([]);
});

test('every isolation leads to the rules of all its policies, and to no others', () => {
  const chainsOf = (namespace: string): number => colliding.filter(([own]) => own === namespace).length;
  const isolations = [...ruleset.chains].filter(([name]) => name.startsWith('iso-in-'));
  const jumps = isolations.map(([, { rules }]) => {
    const text = JSON.stringify(rules);
    return [...ruleset.chains.keys()].filter((name) => name.startsWith('in-') && text.includes(`"${name}"`)).length;
  });
  expect(jumps.sort()).toEqual(['a', 'a-b', 'ingress'].map(chainsOf).sort());
});

test('nft takes every name and comment', () => {
  for (const [name, { rules }] of ruleset.chains) {
    expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_./-]{0,100}$/);
    for (const { comment = '' } of rules) expect(Buffer.byteLength(comment)).toBeLessThanOrEqual(128);
  }
  for (const name of ruleset.counters.keys()) expect(name).toMatch(/^[A-Za-z][A-Za-z0-9_./-]{0,100}$/);
});

test('a rule list is asked for by kind, namespace and name', () => {
  const ids = colliding.map(([namespace, name]) => ruleListId({ kind: 'NetworkPolicy', namespace, name }, 'ingress'));
  expect([...program.ruleLists.keys()].sort()).toEqual(ids.sort());
});
