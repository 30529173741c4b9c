/** Pods whose contribution to their groups changes while their selections stay. */
import { expect, test } from '@jest/globals';
import { Compiler } from '../../src/compiler/compiler.js';
import { parseAddress, type Address } from '../../src/model/address.js';
import type { ClusterChange } from '../../src/model/cluster.js';
import type { Pod } from '../../src/model/pod.js';
import { equals, policy } from '../support/counted-pods.js';

const address = (text: string): Address => parseAddress(text) as Address;

function pod(name: string, addresses: readonly string[], ports: Pod['ports'], created = 1): ClusterChange {
  const ref = { namespace: 'shop', name };
  const own = { ref, uid: name, labels: { app: 'web' }, addresses: addresses.map(address), ports, node: 'here' };
  return { kind: 'pod', ref, pod: { ...own, hostNetwork: false, phase: 'Running', deleting: false, created } };
}

const web = (port: number): Pod['ports'] => [{ name: 'web', protocol: 'TCP', port }];

function compilerOf(...pods: readonly ClusterChange[]): Compiler {
  const compiler = new Compiler({ scope: { node: 'here' } });
  compiler.apply([
    policy(1, equals('app', 'web'), [
      {
        peers: [{ kind: 'pods', namespaces: 'own', pods: equals('app', 'web') }],
        ports: [{ kind: 'named', protocol: 'TCP', name: 'web' }],
      },
    ]),
    ...pods,
  ]);
  return compiler;
}

const membersOf = (compiler: Compiler): object =>
  Object.fromEntries([...compiler.program().groups.values()].map(({ kind, members }) => [kind, [...members].sort()]));

test('a named port that moves, at the same address', () => {
  const compiler = compilerOf(pod('a', ['10.1.0.1'], web(80)));
  const { groups } = compiler.apply([pod('a', ['10.1.0.1'], web(8080))]);
  expect(groups).toMatchObject([{ change: 'members', added: ['10.1.0.1 8080'], removed: ['10.1.0.1 80'] }]);
  expect(membersOf(compiler)).toEqual({ pods: ['10.1.0.1'], listeners: ['10.1.0.1 8080'] });
});

test('an address more, and one less', () => {
  const compiler = compilerOf(pod('a', ['10.1.0.1'], web(80)));
  compiler.apply([pod('a', ['10.1.0.1', 'fd00::1'], web(80))]);
  expect(membersOf(compiler)).toEqual({
    pods: ['10.1.0.1', 'fd00::1'],
    listeners: ['10.1.0.1 80', 'fd00::1 80'],
  });
  compiler.apply([pod('a', ['fd00::1'], web(80))]);
  expect(membersOf(compiler)).toEqual({ pods: ['fd00::1'], listeners: ['fd00::1 80'] });
});

test('an address that another pod takes over stays, with the ports of the other', () => {
  const compiler = compilerOf(pod('a', ['10.1.0.1'], web(80)));
  const { groups } = compiler.apply([pod('b', ['10.1.0.1'], web(8080), 2)]);
  expect(groups).toMatchObject([{ change: 'members', added: ['10.1.0.1 8080'], removed: ['10.1.0.1 80'] }]);
  compiler.apply([{ kind: 'pod', ref: { namespace: 'shop', name: 'b' } }]);
  expect(membersOf(compiler)).toEqual({ pods: ['10.1.0.1'], listeners: ['10.1.0.1 80'] });
});
