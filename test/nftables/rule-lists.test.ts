/** A rule list as a chain: whose addresses its peers are, and where its ranges of ports end. */
import { expect, test } from '@jest/globals';
import type { Protocol } from '../../src/model/policy.js';
import { allow, deny, namespace, node, pod, policy } from '../cases/objects.js';
import type { Cell } from '../cases/types.js';
import { render } from '../../src/nftables/render/renderer.js';
import { wrongCells } from './interpreter.js';
import { anyPort, block, endpoint, isolatedBy, pods, program, ranges, ruleList } from './programs.js';

const app = (name: string): object => ({ podSelector: { matchLabels: { app: name } } });
const range = (port: number, endPort: number): object => ({ ports: [{ protocol: 'TCP', port, endPort }] });
const objects = [
  node('n1'),
  node('n2'),
  namespace('x'),
  pod('own.x', { host: 21, labels: { app: 'own' } }),
  ...['peer', 'other'].map((name, index) => pod(`${name}.x`, { host: 11 + index, labels: { app: name }, node: 'n2' })),
  policy('both.x', {
    ...app('own'),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [app('peer')], ...range(80, 90) }],
    egress: [{ to: [app('peer')], ...range(8000, 8010) }],
  }),
];
const cells: readonly Cell[] = [
  ...allow('peer.x > own.x TCP 80', 'peer.x > own.x TCP 90', 'own.x > peer.x TCP 8000', 'own.x > peer.x TCP 8010'),
  ...deny('peer.x > own.x TCP 79', 'peer.x > own.x TCP 91', 'own.x > peer.x TCP 7999', 'own.x > peer.x TCP 8011'),
  ...deny('other.x > own.x TCP 80', 'own.x > other.x TCP 8000', 'peer.x > own.x UDP 80'),
];

test.each([
  ['in buckets', { inlineLists: 0, inlineRules: 0 }],
  ['put together', { inlineLists: 0 }],
  ['list by list', {}],
])('%s, rules match their peers and no port beyond their ranges', (_, how) => {
  expect(wrongCells(objects, cells, how)).toEqual([]);
});

test('a rule far beyond the limits renders all the same: 200,000 blocks, 32,768 ports, 300 selectors', () => {
  const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);
  const many = numbers(200_000).map((index) => block(`10.${index >> 14}.${(index >> 6) & 255}.${(index & 63) * 4}/32`));
  const all = numbers(300).map((index) => pods(`app=${index}`, `10.244.1.${index % 250}`));
  const list = ruleList(
    'p',
    'ingress',
    { from: many, port: ranges(...numbers(32_768).map((index): [Protocol, number] => ['TCP', 2 * index])) },
    { rule: 1, from: all, port: anyPort },
  );
  const isolated = endpoint('a', ['10.244.1.11'], { ingress: isolatedBy('ingress', 'p') });
  const { sets, chains } = render(program({ endpoints: [isolated], ruleLists: [list], groups: all }), {
    established: 'reevaluate',
  });
  const sizes = [...sets.values()].map(({ elements }) => elements.size);
  expect(sizes.filter((size) => size >= 250).sort((a, b) => a - b)).toEqual([250, 32_768, 200_000]);
  const rules = [...chains.values()].filter(({ title }) => title === 'lab/p ingress').flatMap((chain) => chain.rules);
  expect(rules).toHaveLength(2);
});
