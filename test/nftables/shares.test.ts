/** Streams met in their middle count towards the share of a pod that is their client, or of a client elsewhere and its server. */
import { expect, test } from '@jest/globals';
import { compile } from '../../src/compiler/compiler.js';
import type { Flow } from '../../src/evaluation/types.js';
import type { Address } from '../../src/model/address.js';
import { render } from '../../src/nftables/render/renderer.js';
import { ClusterState } from '../cases/cluster-state.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import { Interpreter } from './interpreter.js';

const state = new ClusterState();
state.take({
  apply: [
    node('n1'),
    namespace('x'),
    pod('client.x', { host: 11, labels: { app: 'client' } }),
    pod('server.x', { host: 12, labels: { app: 'server' } }),
    policy('only.x', { podSelector: { matchLabels: { app: 'server' } }, ingress: [{}] }),
  ],
});
const kernel = new Interpreter(
  render(compile(state.snapshot(), { scope: { node: 'n1' } }), { established: 'reevaluate' }),
);
const [client, server, elsewhere] = ['10.244.1.11', '10.244.1.12', '10.244.9.9'] as Address[] as [
  Address,
  Address,
  Address,
];
const flow = (source: Address, destination: Address, protocol: 'TCP' | 'SCTP' = 'TCP'): Flow => ({
  ...{ source, destination, protocol, port: 80 },
});
const allows = (one: Flow, full: string): boolean => kernel.allows(one, { isMiddle: true, full });

test.each(['TCP', 'SCTP'] as const)('a share that is used up refuses who it belongs to, of %s', (protocol) => {
  expect(allows(flow(client, server, protocol), 'nothing')).toBe(true);
  expect(allows(flow(client, server, protocol), 'mid-stream-pods')).toBe(false);
  expect(allows(flow(elsewhere, server, protocol), 'nothing')).toBe(true);
  expect(allows(flow(elsewhere, server, protocol), 'mid-stream-clients')).toBe(false);
  expect(allows(flow(elsewhere, server, protocol), 'mid-stream-servers')).toBe(false);
  expect(kernel.allows(flow(client, server, protocol), { full: 'mid-stream' })).toBe(true);
});

test("a pod's share is its own, whatever clients elsewhere have used up, and theirs whatever pods have", () => {
  for (const full of ['mid-stream-clients', 'mid-stream-servers'])
    expect(allows(flow(client, server), full)).toBe(true);
  expect(allows(flow(elsewhere, server), 'mid-stream-pods')).toBe(true);
});

test('what a policy isolates is met one way only by SCTP that begins with INIT', () => {
  expect(kernel.allows(flow(server, client, 'SCTP'))).toBe(true);
  expect(kernel.allows(flow(server, client, 'SCTP'), { isMiddle: true })).toBe(false);
});

test('a relation is cached within the share of its client, and allowed beyond it', () => {
  expect(kernel.walk(flow(client, server))).toMatchObject({ allowed: true, isCached: true });
  const beyond = kernel.walk(flow(client, server), { full: 'cache-pods' });
  expect(beyond).toMatchObject({ allowed: true, isCached: false });
  expect(kernel.walk(flow(client, server), { full: 'cache-clients' }).isCached).toBe(true);
});
