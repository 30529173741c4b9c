/** Ranges of ports in the ruleset, at their edges. */
import { expect, test } from '@jest/globals';
import { compile } from '../../src/compiler/compiler.js';
import { render } from '../../src/nftables/renderer.js';
import { allow, deny, namespace, node, pod, policy } from '../cases/objects.js';
import { WorldState } from '../cases/world-state.js';
import { Interpreter } from './interpreter.js';

const ranges = [
  { protocol: 'TCP', port: 80, endPort: 82 },
  // Touches the former: one range in the set.
  { protocol: 'TCP', port: 83, endPort: 84 },
  { protocol: 'TCP', port: 443 },
  { protocol: 'UDP', port: 53, endPort: 53 },
];
const world = [
  node('n1'),
  namespace('x'),
  pod('client.x', { host: 11, node: 'n2' }),
  pod('server.x', { host: 21, labels: { app: 'server' } }),
  policy('ports.x', { podSelector: { matchLabels: { app: 'server' } }, ingress: [{ ports: ranges }] }),
];
const to = (...ports: readonly string[]): string[] => ports.map((port) => `client.x > server.x ${port}`);
const cells = [
  ...allow(...to('TCP 80', 'TCP 81', 'TCP 82', 'TCP 83', 'TCP 84', 'TCP 443', 'UDP 53')),
  ...deny(...to('TCP 79', 'TCP 85', 'TCP 442', 'TCP 444', 'UDP 52', 'UDP 54', 'UDP 80', 'SCTP 80', 'ICMP')),
];

test.each(cells)('$from > $to $protocol $port: $allowed', (cell) => {
  const state = new WorldState();
  state.take({ apply: world });
  const kernel = new Interpreter(render(compile(state.snapshot(), { scope: { node: 'n1' } }), { established: 'cut' }));
  expect(state.pairings(cell).map((flow) => kernel.allows(flow))).toEqual(state.pairings(cell).map(() => cell.allowed));
});
