/** What an address is that no pod has: by the Nodes of the cluster. */
import { expect, test } from '@jest/globals';
import { AddressIdentities } from '../../../src/audit/attribution/address-identities.js';
import { parseAddress, parseCidr } from '../../../src/model/address.js';
import { parsePod } from '../../../src/model/parse.js';
import type { ClusterChange } from '../../../src/model/cluster.js';

const parsed = <T>(text: string, parse: (text: string) => T | undefined): T => {
  const value = parse(text);
  if (value === undefined) throw new Error(`cannot parse ${text}`);
  return value;
};

const nodeSet = (name: string, address: string, ...podCidrs: readonly string[]): ClusterChange => ({
  kind: 'node',
  name,
  node: {
    name,
    labels: {},
    addresses: [parsed(address, parseAddress)],
    podCidrs: podCidrs.map((text) => parsed(text, parseCidr)),
  },
});
const nodeRemoved = (name: string): ClusterChange => ({ kind: 'node', name });

const classesOf = (identities: AddressIdentities, ...addresses: readonly string[]): readonly string[] =>
  addresses.map((address) => identities.at(parsed(address, parseAddress), 1).class);

test('without ranges from Nodes, a private address may be that of a pod', () => {
  const identities = new AddressIdentities();
  expect(classesOf(identities, '10.244.1.9', 'fd00::9', '203.0.113.9', '2001:db8::9')).toEqual([
    'unknown',
    'unknown',
    'external',
    'external',
  ]);
  identities.apply([nodeSet('n1', '192.168.0.1')], 0);
  expect(classesOf(identities, '10.244.1.9', '192.168.0.1')).toEqual(['unknown', 'node']);
});

test('with ranges, an address in one of them may be; overlapping and adjacent ranges count as each says', () => {
  const identities = new AddressIdentities();
  identities.apply(
    [
      nodeSet('n1', '10.244.0.1', '10.244.0.0/16', 'fd00:1::/64'),
      nodeSet('n2', '192.168.0.2', '10.244.2.0/24', '10.245.0.0/24'),
      nodeSet('n3', '192.168.0.3', '203.0.113.0/28'),
    ],
    0,
  );
  const inside = ['10.244.0.0', '10.244.2.9', '10.244.255.255', '10.245.0.255', '203.0.113.15', 'fd00:1::9'];
  expect(classesOf(identities, ...inside)).toEqual(inside.map(() => 'unknown'));
  const outside = ['10.243.255.255', '10.245.1.0', '203.0.113.16', 'fd00:1:0:1::', '10.0.0.1', '::'];
  expect(classesOf(identities, ...outside)).toEqual(outside.map(() => 'external'));
  expect(classesOf(identities, '10.244.0.1', '192.168.0.3')).toEqual(['node', 'node']);
});

test('a batch of Nodes that came, changed and went counts as it ends', () => {
  const identities = new AddressIdentities();
  identities.apply([nodeSet('n1', '192.168.0.1', '10.1.0.0/24'), nodeSet('n2', '192.168.0.2', '10.2.0.0/24')], 0);
  identities.apply(
    [nodeRemoved('n1'), nodeSet('n2', '192.168.0.22', '10.22.0.0/24'), nodeSet('n3', '192.168.0.3', '10.3.0.0/24')],
    0,
  );
  const ranges = ['10.1.0.9', '10.2.0.9', '10.22.0.9', '10.3.0.9'];
  expect(classesOf(identities, ...ranges)).toEqual(['external', 'external', 'unknown', 'unknown']);
  const nodes = ['192.168.0.1', '192.168.0.2', '192.168.0.22', '192.168.0.3'];
  expect(classesOf(identities, ...nodes)).toEqual(['external', 'external', 'node', 'node']);
  identities.apply([nodeRemoved('n2'), nodeRemoved('n3')], 0);
  expect(classesOf(identities, ...ranges, ...nodes)).toEqual([...ranges, ...nodes].map(() => 'unknown'));
});

test('an address and a range that two Nodes name go with the second', () => {
  const identities = new AddressIdentities();
  const both = ['192.168.0.1', '10.1.0.0/24'] as const;
  identities.apply([nodeSet('n1', ...both), nodeSet('n2', ...both), nodeSet('n3', '192.168.0.3', '10.3.0.0/24')], 0);
  identities.apply([nodeRemoved('n1')], 0);
  expect(classesOf(identities, '192.168.0.1', '10.1.0.9')).toEqual(['node', 'unknown']);
  identities.apply([nodeRemoved('n2')], 0);
  expect(classesOf(identities, '192.168.0.1', '10.1.0.9')).toEqual(['external', 'external']);
});

test('a change of one Node does not look at the others', () => {
  const identities = new AddressIdentities();
  let reads = 0;
  const counted = (change: ClusterChange): ClusterChange => {
    if (change.kind !== 'node' || change.node === undefined) return change;
    const { addresses, podCidrs, ...rest } = change.node;
    const node = {
      ...rest,
      get addresses() {
        reads += 1;
        return addresses;
      },
      get podCidrs() {
        reads += 1;
        return podCidrs;
      },
    };
    return { ...change, node };
  };
  const set = (index: number, last = 1): ClusterChange =>
    counted(nodeSet(`n${index}`, `192.168.${index}.${last}`, `10.${index}.0.0/24`));
  identities.apply(
    Array.from({ length: 200 }, (_, index) => set(index)),
    0,
  );
  reads = 0;
  identities.apply([set(7, 2)], 0);
  expect(classesOf(identities, '192.168.7.1', '192.168.7.2', '192.168.8.1')).toEqual(['external', 'node', 'node']);
  // Of what it was, and of what it is.
  expect(reads).toBeLessThanOrEqual(4);
});

test('what may be the address of a Node that is not known is reported; what no Node has is not', () => {
  let notFound = 0;
  const identities = new AddressIdentities({
    onAddressNotFound: () => {
      notFound += 1;
    },
  });
  identities.apply([nodeSet('n1', '192.168.0.1', '10.1.0.0/24')], 0);
  classesOf(identities, '192.168.0.1', '10.1.0.9', '224.0.0.251', 'ff02::fb', '255.255.255.255', '127.0.0.1', '::1');
  expect(notFound).toBe(0);
  classesOf(identities, '192.168.0.2', '203.0.113.9', 'fd00::9', '2001:db8::9');
  expect(notFound).toBe(4);
});

test('what pods say of their nodes are addresses of nodes, until the last of them is finished or gone', () => {
  const identities = new AddressIdentities();
  const pod = (name: string, phase = 'Running', labels = {}): ClusterChange => {
    const spec = { nodeName: 'n1', hostNetwork: true };
    const status = { phase, hostIP: '192.168.0.1', hostIPs: [{ ip: '192.168.0.1' }, { ip: 'fd00::1' }] };
    const read = parsePod({ metadata: { namespace: 'x', name, labels }, spec, status });
    if (!read.ok) throw new Error('a pod that does not parse');
    return { kind: 'pod', ref: read.value.ref, pod: read.value };
  };
  const asked = ['192.168.0.1', 'fd00::1', '169.254.20.10'];
  identities.apply([pod('a'), pod('b')], 0);
  expect(classesOf(identities, ...asked)).toEqual(['node', 'node', 'unknown']);
  identities.apply([pod('a', 'Succeeded')], 0);
  expect(classesOf(identities, ...asked)).toEqual(['node', 'node', 'unknown']);
  identities.apply([{ kind: 'pod', ref: { namespace: 'x', name: 'b' } }], 0);
  expect(classesOf(identities, ...asked)).toEqual(['unknown', 'unknown', 'unknown']);
  // Node-local DNS is at the node.
  identities.apply([pod('dns', 'Running', { 'k8s-app': 'node-local-dns' })], 0);
  expect(classesOf(identities, ...asked)).toEqual(['node', 'node', 'node']);
});

test("the machine's own interfaces are the node's, bridges too, and are read again after ten seconds", () => {
  let own = ['10.244.1.1'];
  const identities = new AddressIdentities({ ownAddresses: () => own.map((text) => parsed(text, parseAddress)) });
  identities.apply([nodeSet('n1', '192.168.0.1', '10.244.1.0/24')], 0);
  const classAt = (address: string, time: number): string => identities.at(parsed(address, parseAddress), time).class;
  expect([classAt('10.244.1.1', 1), classAt('10.244.1.9', 1)]).toEqual(['node', 'unknown']);
  own = ['10.244.1.9'];
  expect(classAt('10.244.1.9', 10_000)).toBe('unknown');
  expect([classAt('10.244.1.1', 10_002), classAt('10.244.1.9', 10_003)]).toEqual(['unknown', 'node']);
});
