/** Rules and sets are there for the families that this node's pods have addresses of, and for no other. */
import { expect, test } from '@jest/globals';
import type { Address, Family } from '../../src/model/address.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { render, Renderer } from '../../src/nftables/render/renderer.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import { changeFrom } from '../../src/program/change.js';
import type { Endpoint } from '../../src/program/types.js';
import { Interpreter } from './interpreter.js';
import { anyPort, block, endpoint, isolatedBy, listeners, named, pods, program, range, ruleList } from './programs.js';

const peers = pods('app=peer', '10.244.2.7', 'fd00:10:244:2::7');
const web = listeners('http', ['10.244.1.11', 80], ['fd00:10:244:1::11', 80]);
const ruleLists = [
  ruleList(
    'p',
    'ingress',
    { from: peers, port: range('TCP', 80) },
    { rule: 1, from: [block('192.0.2.0/24'), block('2001:db8::/64')], port: anyPort },
    { rule: 2, port: named(web) },
  ),
];
const isolated = { ingress: isolatedBy('ingress', 'p') };
const four = endpoint('four', ['10.244.1.11'], isolated);
const six = endpoint('six', ['fd00:10:244:1::11'], isolated);
const programOf = (...endpoints: Endpoint[]) => program({ endpoints, ruleLists, groups: [peers, web] });

/** Sets of policies, and rules that policies are counted by. */
function ofPolicies({ sets, chains }: Ruleset): Readonly<Record<Family | 'rules', number>> {
  const names = [...sets.keys()];
  const count = (family: 4 | 6): number =>
    names.filter((name) => new RegExp(`^(pods|listeners|blocks|peers)${family}-`).test(name)).length;
  const rules = [...chains.values()].flatMap((chain) => chain.rules);
  const counted = rules.filter(({ statements }) =>
    statements.some((one) => 'counter' in one && one['counter'].startsWith('rule-')),
  );
  return { IPv4: count(4), IPv6: count(6), rules: counted.length };
}

const forms = [
  ['list by list', {}],
  ['put together', { inlineLists: 0 }],
  ['in buckets', { inlineLists: 0, inlineRules: 0 }],
] as const;

test.each(forms)('%s: of a family that no pod of the node has there is neither a set nor a rule', (_, how) => {
  const options = { established: 'reevaluate', ...how } as const;
  const [none, both, onlyFour, onlySix] = [[], [four, six], [four], [six]].map((endpoints) =>
    ofPolicies(render(programOf(...endpoints), options)),
  );
  expect(none).toEqual({ IPv4: 0, IPv6: 0, rules: 0 });
  expect(onlyFour).toMatchObject({ IPv6: 0, IPv4: both?.IPv4 });
  expect(onlySix).toMatchObject({ IPv4: 0, IPv6: both?.IPv6 });
  expect(both?.IPv4).toBeGreaterThanOrEqual(3);
  expect(both?.IPv6).toBe(both?.IPv4);
  for (const one of [onlyFour, onlySix]) expect(2 * (one?.rules ?? 0)).toBe(both?.rules);
});

test.each(forms)('%s: they come with the first pod of a family, and go with the last', (_, how) => {
  const options = { established: 'reevaluate', ...how } as const;
  const renderer = new Renderer(options);
  const now = (...endpoints: Endpoint[]): void =>
    expect(printRuleset(renderer.ruleset())).toBe(printRuleset(render(programOf(...endpoints), options)));
  const change = (key: string, after?: Endpoint): void =>
    void renderer.apply({
      revision: 2,
      ruleLists: [],
      groups: [],
      nodes: [],
      endpoints: [after === undefined ? { key } : { key, after }],
    });
  const asks = (source: string): boolean =>
    new Interpreter(renderer.ruleset()).allows({
      source: source as Address,
      destination: 'fd00:10:244:1::11' as Address,
      protocol: 'TCP',
      port: 81,
    });
  renderer.apply(changeFrom(programOf(four)));
  now(four);
  change('lab/six', six);
  now(four, six);
  expect([asks('2001:db8::1'), asks('fd00:10:244:2::7')]).toEqual([true, false]);
  change('lab/four');
  now(six);
  change('lab/six');
  now();
  change('lab/four', four);
  now(four);
});
