/** A rule list as a chain: whose addresses its peers are, and where its ranges of ports end. */
import { expect, test } from '@jest/globals';
import { allow, deny, namespace, node, pod, policy } from '../cases/objects.js';
import type { Cell } from '../cases/types.js';
import { wrongCells } from './interpreter.js';

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
  ['in maps by peer', 0],
  ['as inline lists', 8],
])('%s, rules match their peers and no port beyond their ranges', (_, inlineLists) => {
  expect(wrongCells(objects, cells, inlineLists)).toEqual([]);
});
