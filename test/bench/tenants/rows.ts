/** What one tenant does to the agent that it shares with others: shapes that users have, too. */
import { namespace, pod, policy } from '../../cases/objects.js';
import type { Manifest } from '../../cases/types.js';
import { marked, tenantServer } from './tenant-pods.js';

export interface TenantRow {
  /** For `--rows`. */
  readonly name: string;
  readonly title: string;
  /** IPv4 addresses of local pods that the row needs. */
  readonly quiet?: readonly string[];
  /** There before anything is measured. */
  before?(): readonly Manifest[];
  /** Written in this order, and deleted at the end. Another `version` is its edit. */
  objects(version: number): readonly Manifest[];
  /** Of those, what an edit changes: as many from the first on. All, unless given. */
  readonly edited?: number;
  /** Not written once, but again and again with a version of its own each time. */
  readonly isLoop?: boolean;
  /** Whether the tenant's own server is isolated by it. */
  readonly isolates: boolean;
}

const numbered = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const toServer = { podSelector: { matchLabels: tenantServer.labels } };
const peersOfServer = (name: string, from: readonly object[], ports?: readonly object[]): Manifest =>
  policy(`${name}.tenant`, { ...toServer, ingress: [{ from, ...(ports === undefined ? {} : { ports }) }] });

/** Addresses that nobody has, every other one: neighbours would be a range. An edit replaces the second half. */
const addressNumbered = (index: number): string =>
  `${11 + (index >> 23)}.${(index >> 15) & 255}.${(index >> 7) & 255}.${(2 * index) & 255}`;
const shifted = (index: number, count: number, version: number): number =>
  index < count / 2 ? index : index + version * count;
const blocks = (count: number, version: number): readonly object[] =>
  numbered(count, (index) => ({ ipBlock: { cidr: `${addressNumbered(shifted(index, count, version))}/32` } }));
const ports = (count: number, version: number): readonly object[] =>
  numbered(count, (index) => ({ protocol: 'TCP', port: 1 + 2 * shifted(index, count, version) }));

const blockRow = (count: number, title: string): TenantRow => ({
  name: `blocks-${count}`,
  title,
  objects: (version) => [peersOfServer('blocks', blocks(count, version))],
  isolates: true,
});

const productRow = (portCount: number, blockCount: number): TenantRow => ({
  name: `ports-${portCount}x${blockCount}`,
  title: `${portCount} ports x ${blockCount} blocks`,
  objects: (version) => [peersOfServer('product', blocks(blockCount, version), ports(portCount, version))],
  isolates: true,
});

const exceptRow = (count: number): TenantRow => ({
  name: `except-${count}`,
  title: `::/0 except ${count} addresses`,
  objects: (version) => {
    const except = numbered(count, (index) => `2001:db8:${shifted(index, count, version).toString(16)}::1/128`);
    return [peersOfServer('except', [{ ipBlock: { cidr: '::/0', except } }])];
  },
  isolates: true,
});

/** Pods of a node that no lab has. */
const remotePods = (count: number, labels: (index: number) => Readonly<Record<string, string>>, version = 0) =>
  numbered(count, (index) => remotePod(index, index + version * count, labels(index)));
function remotePod(
  index: number,
  address: number,
  labels: Readonly<Record<string, string>>,
  space = 'tenant',
): Manifest {
  const ip = `10.${100 + ((address >> 16) & 63)}.${(address >> 8) & 255}.${address & 255}`;
  const made = pod(`load-${index}.${space}`, { addresses: [ip], labels });
  return { ...made, spec: { ...(made.spec as object), nodeName: 'n3' } };
}

const selectorRow = (count: number): TenantRow => ({
  name: `selectors-${count}`,
  title: `${count} podSelectors that match 1,000 pods each`,
  before: () => remotePods(1000, () => ({ app: 'load' })),
  objects: (version) => {
    const peers = numbered(count, (index) => {
      const values = ['load', `other-${shifted(index, count, version)}`];
      return { podSelector: { matchExpressions: [{ key: 'app', operator: 'In', values }] } };
    });
    return [peersOfServer('selectors', peers)];
  },
  isolates: true,
});

const policyRow = (count: number, by: 'label' | 'block'): TenantRow => ({
  name: `policies-${count}-${by}`,
  title: `${count} policies on one pod, peers by ${by}`,
  before: () => (by === 'label' ? remotePods(100, (index) => ({ app: `load-${index}` })) : []),
  objects: (version) =>
    numbered(count, (index) => {
      const peer =
        by === 'label'
          ? { podSelector: { matchLabels: { app: `load-${(index + version) % 100}` } } }
          : { ipBlock: { cidr: `${addressNumbered(index + version * count)}/32` } };
      return peersOfServer(`policy-${index}`, [peer], [{ protocol: 'TCP', port: 8080 }]);
    }),
  edited: 100,
  isolates: true,
});

const invalidRow: TenantRow = {
  name: 'invalid-1000',
  title: '1,000 invalid policies',
  objects: (version) =>
    numbered(1000, (index) =>
      policy(`invalid-${index}.tenant`, { ...toServer, ingress: [{ from: [{ ipBlock: { cidr: `no-${version}` } }] }] }),
    ),
  edited: 100,
  isolates: true,
};

const loadPeers = (name = 'peers'): Manifest =>
  peersOfServer(name, [{ podSelector: { matchLabels: { app: 'load' } } }]);

/** So many of the 1,000 in one turn of a loop, the next ones in the next. */
const perTurn = 10;

const thousandPeers = (): readonly Manifest[] => [loadPeers(), ...remotePods(1000, () => ({ app: 'load' }))];

const relabelRow: TenantRow = {
  name: 'relabel-1000',
  title: '1,000 pods relabelled in a loop',
  before: thousandPeers,
  objects: (version) =>
    numbered(perTurn, (offset) => {
      const index = (version * perTurn + offset) % 1000;
      const app = Math.floor((version * perTurn) / 1000) % 2 === 0 ? 'idle' : 'load';
      return remotePod(index, index, { app });
    }),
  isLoop: true,
  isolates: true,
};

const replaceRow: TenantRow = {
  name: 'replace-1000',
  title: '1,000 pods replaced in a loop',
  before: thousandPeers,
  objects: (version) =>
    numbered(perTurn, (offset) => {
      const index = (version * perTurn + offset) % 1000;
      const made = remotePod(index, 1000 + version * perTurn + offset, { app: 'load' });
      return { ...made, metadata: { ...made.metadata, uid: `uid-${version}-${offset}` } };
    }),
  isLoop: true,
  isolates: true,
};

const createRow: TenantRow = {
  name: 'pods-10000',
  title: '10,000 pods created at once, relabelled and deleted',
  before: () => [loadPeers()],
  objects: (version) => remotePods(10_000, () => ({ app: version === 0 ? 'load' : 'idle' })),
  isolates: true,
};

const namespaceLoopRow: TenantRow = {
  name: 'namespace-loop',
  title: 'a Namespace of 1,000 pods relabelled in a loop',
  before: () => [
    peersOfServer('team', [{ namespaceSelector: { matchLabels: { team: 'a' } } }]),
    namespace('tenant-peers', { team: 'a' }),
    ...numbered(1000, (index) => remotePod(index, index, { app: 'load' }, 'tenant-peers')),
  ],
  objects: (version) => [namespace('tenant-peers', { team: version % 2 === 0 ? 'a' : 'b' })],
  isLoop: true,
  isolates: true,
};

const namedPortRow: TenantRow = {
  name: 'named-ports-1000',
  title: '1,000 named ports',
  before: () => {
    const ports = numbered(1500, (index) => ({ name: `p-${index}`, port: 10_000 + index }));
    return [pod(tenantServer.end, { host: tenantServer.host, labels: tenantServer.labels, ports })];
  },
  objects: (version) => {
    const named = numbered(1000, (index) => ({ protocol: 'TCP', port: `p-${index + 500 * version}` }));
    return [peersOfServer('named', [{ podSelector: { matchLabels: { app: 'load' } } }], named)];
  },
  isolates: true,
};

const localNamespaces = 200;
const quietAddress = (index: number): string => `10.244.1.${30 + index}`;

const namespacesRow: TenantRow = {
  name: 'namespaces-1000',
  title: '1,000 namespaces of one tenant, 200 of them with a local pod, 20 ports x 20 blocks in each',
  quiet: numbered(localNamespaces, quietAddress),
  before: () => [
    ...numbered(1000, (index) => namespace(`tenant-${index}`)),
    ...numbered(localNamespaces, (index) => pod(`quiet.tenant-${index}`, { addresses: [quietAddress(index)] })),
  ],
  objects: (version) =>
    numbered(1000, (index) =>
      policy(`own.tenant-${index}`, {
        podSelector: {},
        ingress: [{ from: blocks(20, version + 2 * index), ports: ports(20, version) }],
      }),
    ),
  isolates: false,
};

const manyBlocksRow: TenantRow = {
  name: 'blocks-20x100000',
  title: '20 policies of 100,000 blocks',
  objects: (version) => numbered(20, (index) => peersOfServer(`blocks-${index}`, blocks(100_000, version + 2 * index))),
  edited: 1,
  isolates: true,
};

/** Two small ones, for the suite: that the bench runs, and what it runs beside. */
export const smallRows: readonly TenantRow[] = [blockRow(50, '50 blocks'), { ...relabelRow, name: 'relabel' }];

export const tenantRows: readonly TenantRow[] = [
  blockRow(5000, 'one rule, 5,000 blocks'),
  productRow(1000, 10),
  productRow(300, 300),
  productRow(1000, 1000),
  productRow(2000, 2000),
  exceptRow(300),
  exceptRow(3000),
  selectorRow(300),
  selectorRow(1000),
  policyRow(1000, 'label'),
  policyRow(1000, 'block'),
  policyRow(10_000, 'label'),
  invalidRow,
  relabelRow,
  replaceRow,
  createRow,
  namespaceLoopRow,
  namedPortRow,
  namespacesRow,
  blockRow(100_000, '100,000 blocks in one policy'),
  manyBlocksRow,
];

/** The tenant's last word of each phase, which is in force when all before it is. */
export const marker: Manifest = policy('marker.tenant', { podSelector: { matchLabels: marked.labels } });
