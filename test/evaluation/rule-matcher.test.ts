import { describe, expect, test } from '@jest/globals';
import type { BlockOptions } from '../../src/evaluation/blocks.js';
import type { FlowEndpoint, WorkloadEndpoint } from '../../src/evaluation/flow-endpoints.js';
import { RuleMatcher } from '../../src/evaluation/rule-matcher.js';
import type { Family } from '../../src/model/address.js';
import { portsOf, type MatchedPeer } from '../../src/evaluation/verdicts.js';
import { listener, type Group, type GroupId, type PeerMatch } from '../../src/program/types.js';
import { address, anyone, anyPort, blocks, cidr, listeners, members, program, range, workload } from './programs.js';

const at = (text: string): FlowEndpoint => ({ kind: 'address', address: address(text) });
const template: FlowEndpoint = { kind: 'workload', workload: workload('x/Deployment/template') };
const pods: WorkloadEndpoint = {
  kind: 'workload',
  workload: workload('x/Deployment/pods', {
    pods: [
      { name: 'a', node: 'n1', addresses: [address('10.0.0.1'), address('fd00::1')] },
      { name: 'b', node: 'n2', addresses: [address('10.9.0.1')] },
    ],
  }),
};
const pod = (index: number): FlowEndpoint => {
  const one = pods.workload.pods[index];
  if (one === undefined) throw new Error(`no pod ${index}`);
  return { ...pods, pod: one };
};

/** Peers by the names that the tests below have for them. */
const peers: Readonly<Record<string, PeerMatch>> = {
  holed: blocks(['10.0.0.0/13'], ['10.8.0.0/14', '10.9.0.0/16', '10.9.1.0/24', 'fd00::/8']),
  all: blocks(['0.0.0.0/0']),
  all6: blocks(['::/0']),
  pods: members('pods'),
};
const groups: readonly Group[] = [
  {
    kind: 'pods',
    id: 'pods' as GroupId,
    title: 'pods',
    members: new Set([address('10.0.0.1'), address('workload:x/Deployment/pods')]),
  },
  {
    kind: 'listeners',
    id: 'http' as GroupId,
    title: 'http',
    protocol: 'TCP',
    members: new Set([
      listener(address('10.0.0.1'), 8080),
      listener(address('10.0.0.1'), 8081),
      listener(address('fd00::1'), 9090),
      listener(address('workload:x/Deployment/pods'), 80),
    ]),
  },
];
const membership = (matched: readonly MatchedPeer[]): 'yes' | 'assumed' | 'no' =>
  matched.length === 0 ? 'no' : matched.every(({ assumed }) => assumed) ? 'assumed' : 'yes';
const matcher = (options: Partial<BlockOptions> = {}): RuleMatcher =>
  new RuleMatcher(program({ endpoints: [], groups }), { ipBlocks: 'cluster', podCidrs: [], ...options });

describe('a peer', () => {
  const match = (group: string, endpoint: FlowEndpoint, family: Family = 'IPv4', options: Partial<BlockOptions> = {}) =>
    membership(matcher(options).matchPeers(peers[group] ?? anyone, endpoint, family));

  test('that is anyone matches everybody', () => {
    for (const endpoint of [at('192.0.2.1'), template, pods])
      expect(membership(matcher().matchPeers(anyone, endpoint, 'IPv4'))).toBe('yes');
  });

  test('that names pods matches them by address in a program of pods, by workload in one of workloads', () => {
    expect(match('pods', at('10.0.0.1'))).toBe('yes');
    expect(match('pods', at('10.0.0.2'))).toBe('no');
    expect(match('pods', pods)).toBe('yes');
    expect(match('pods', pod(1))).toBe('yes');
    expect(match('pods', template)).toBe('no');
  });

  test.each([
    ['10.0.0.1', 'yes'],
    ['10.7.255.255', 'yes'],
    ['10.8.0.0', 'yes'],
    ['10.9.0.0', 'no'],
    ['10.9.255.255', 'no'],
    ['10.10.0.0', 'yes'],
    ['10.12.0.0', 'no'],
    ['9.255.255.255', 'no'],
    ['fd00::1', 'no'],
  ])('that is a block with an except: %s %s', (text, expected) => {
    expect(match('holed', at(text), text.includes(':') ? 'IPv6' : 'IPv4')).toBe(expected);
  });

  test('that is a block is about the addresses that pods have in the family that is asked about', () => {
    expect(match('holed', pod(0))).toBe('yes');
    expect(match('holed', pod(1))).toBe('no');
    expect(match('holed', pods)).toBe('yes');
    expect(match('all', pod(0), 'IPv6')).toBe('no');
    expect(match('all6', pod(0), 'IPv6')).toBe('yes');
    expect(match('all6', pod(1), 'IPv6')).toBe('no');
  });

  test('that is a block, read as about the outside only, matches no pod, and addresses as before', () => {
    for (const endpoint of [pods, pod(0), template])
      expect(match('all', endpoint, 'IPv4', { ipBlocks: 'external' })).toBe('no');
    expect(match('all', at('10.0.0.1'), 'IPv4', { ipBlocks: 'external' })).toBe('yes');
  });

  test.each([
    ['all', [], 'assumed'],
    ['holed', [], 'no'],
    ['holed', ['10.0.0.0/16'], 'assumed'],
    ['holed', ['10.8.0.0/15'], 'no'],
    ['all', ['fd00::/8'], 'no'],
  ])('that is the block %s, and a pod without an address of %j: %s', (group, podCidrs, expected) => {
    expect(match(group, template, 'IPv4', { podCidrs: podCidrs.map(cidr) })).toBe(expected);
  });
});

describe('several peers', () => {
  test('are named by their places, in the order of the YAML, each by its own excepts', () => {
    const pod = { kind: 'pods', index: 1, of: 'pods' as GroupId } as const;
    const mixed = blocks(['10.0.0.0/8', '10.0.0.0/16'], ['192.0.2.0/24'], ['10.0.0.0/24'], ['0.0.0.0/0']);
    if (mixed.kind !== 'union') throw new Error('no union');
    const union: PeerMatch = { kind: 'union', of: [...mixed.of.slice(2), pod, ...mixed.of.slice(0, 1)] };
    const indexes = (text: string) =>
      matcher()
        .matchPeers(union, at(text), 'IPv4')
        .map(({ index }) => index);
    expect(indexes('10.0.0.1')).toEqual([1, 2, 3]);
    expect(indexes('10.0.0.2')).toEqual([2, 3]);
    expect(indexes('10.1.0.1')).toEqual([0, 3]);
    expect(indexes('11.0.0.1')).toEqual([3]);
  });
});

describe('a port', () => {
  test('that is any is every protocol, and no destination changes it', () => {
    expect(matcher().matchPorts(anyPort, template)).toEqual([{ ports: 'every' }]);
  });

  test('that is a range is that range, port 0 of all ports too', () => {
    expect(matcher().matchPorts(range(0, 65535, 'UDP'), at('192.0.2.1'))).toEqual([
      { index: 0, ports: [{ protocol: 'UDP', first: 0, last: 65535 }] },
    ]);
  });

  test('that is a name is what the destination has under it: several numbers, another one per address, or none', () => {
    const numbers = (endpoint: FlowEndpoint) => {
      const ports = portsOf(matcher().matchPorts(listeners('http'), endpoint));
      return ports === 'every' ? ports : ports.map(({ protocol, first, last }) => [protocol, first, last]);
    };
    expect(numbers(at('10.0.0.1'))).toEqual([
      ['TCP', 8080, 8080],
      ['TCP', 8081, 8081],
    ]);
    expect(numbers(at('fd00::1'))).toEqual([['TCP', 9090, 9090]]);
    expect(numbers(pods)).toEqual([['TCP', 80, 80]]);
    expect(numbers(template)).toEqual([]);
    expect(numbers(at('192.0.2.1'))).toEqual([]);
  });
});

describe('a program that is broken throws', () => {
  test.each([
    ['a peer whose group is not there', () => matcher().matchPeers(members('nowhere'), template, 'IPv4')],
    ['a peer of listeners', () => matcher().matchPeers(members('http'), template, 'IPv4')],
    ['a port whose group is not there', () => matcher().matchPorts(listeners('nowhere'), template)],
    ['a port of pods', () => matcher().matchPorts(listeners('pods'), template)],
  ])('%s', (_, match) => {
    expect(match).toThrow(/group (nowhere|http|pods|all)/);
  });
});
