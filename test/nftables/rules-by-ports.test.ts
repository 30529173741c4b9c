/** Rules of many policies that stand together: each keeps its own ports and peers. */
import { expect, test } from '@jest/globals';
import type { Protocol } from '../../src/model/policy.js';
import { allow, deny, namespace, node, pod, policy } from '../cases/objects.js';
import type { Cell } from '../cases/types.js';
import { wrongCells } from './interpreter.js';

const app = (name: string): object => ({ podSelector: { matchLabels: { app: name } } });
const ports = (protocol: Protocol, port: number | string): object => ({ ports: [{ protocol, port }] });
const ingress = (name: string, rule: object) => policy(`${name}.x`, { ...app('server'), ingress: [rule] });
const clients = ['a', 'b', 'c'].map((name, index) =>
  pod(`${name}.x`, { host: 11 + index, labels: { app: name }, node: 'n2' }),
);
const objects = [
  node('n1'),
  node('n2'),
  namespace('x'),
  pod('server.x', { host: 21, labels: { app: 'server' }, ports: [{ name: 'http', port: 8080 }] }),
  ...clients,
  ingress('p', { from: [app('a')], ...ports('TCP', 80) }),
  ingress('q', { from: [app('b')], ...ports('TCP', 443) }),
  ingress('r', { from: [app('a'), app('b')], ...ports('UDP', 53) }),
  ingress('s', { from: [app('c')], ...ports('TCP', 'http') }),
];
const cells: readonly Cell[] = [
  ...allow('a.x > server.x TCP 80', 'a.x > server.x UDP 53', 'b.x > server.x TCP 443', 'b.x > server.x UDP 53'),
  ...allow('c.x > server.x TCP 8080', 'server.x > a.x TCP 80'),
  ...deny('a.x > server.x TCP 443', 'b.x > server.x TCP 80', 'c.x > server.x UDP 53', 'c.x > server.x TCP 80'),
  ...deny('a.x > server.x TCP 8080', 'a.x > server.x TCP 53', 'b.x > server.x ICMP'),
];

test.each([
  ['in buckets', { inlineLists: 0, inlineRules: 0 }],
  ['put together', { inlineLists: 0 }],
  ['list by list', {}],
])('%s, every rule keeps its ports to itself', (_, how) => {
  expect(wrongCells(objects, cells, how)).toEqual([]);
});
