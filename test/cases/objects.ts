/** Kubernetes objects for tables, in API form, at the addresses of the test cluster's two nodes. */
import type { Family } from '../../src/model/address.js';
import type { Protocol } from '../../src/model/policy.js';
import type { Cell, Manifest } from './types.js';

export type Families = Family | 'dual';
export type NodeName = 'n1' | 'n2';

const has = (families: Families, family: Family): boolean => families === 'dual' || families === family;

/** Every node's number is part of its ranges and of its own addresses. */
const nodeNumber = (name: NodeName): number => (name === 'n1' ? 1 : 2);

/** The pod address number `host` of a node: 10.244.1.11 and fd00:10:244:1::11. */
export function podAddresses(node: NodeName, host: number, families: Families = 'dual'): readonly string[] {
  const number = nodeNumber(node);
  return [
    ...(has(families, 'IPv4') ? [`10.244.${number}.${host}`] : []),
    ...(has(families, 'IPv6') ? [`fd00:10:244:${number}::${host}`] : []),
  ];
}

export function nodeAddresses(name: NodeName, families: Families = 'dual'): readonly string[] {
  const number = nodeNumber(name);
  return [
    ...(has(families, 'IPv4') ? [`172.30.0.${number}`] : []),
    ...(has(families, 'IPv6') ? [`fd00:172:30::${number}`] : []),
  ];
}

/** A host outside the cluster, by family. */
export const outside = { IPv4: '192.0.2.10', IPv6: '2001:db8::10' } as const;

export function node(name: NodeName, families: Families = 'dual'): Manifest {
  const number = nodeNumber(name);
  const podCIDRs = [
    ...(has(families, 'IPv4') ? [`10.244.${number}.0/24`] : []),
    ...(has(families, 'IPv6') ? [`fd00:10:244:${number}::/64`] : []),
  ];
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name },
    spec: { podCIDR: podCIDRs[0], podCIDRs },
    status: { addresses: nodeAddresses(name, families).map((address) => ({ type: 'InternalIP', address })) },
  };
}

export const namespace = (name: string, labels: Readonly<Record<string, string>> = {}): Manifest => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } },
});

export interface ContainerPortOptions {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: Protocol;
}

export interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly node?: NodeName;
  /** Last part of its addresses; what the pod has instead when `addresses` is given. */
  readonly host?: number;
  readonly addresses?: readonly string[];
  readonly ports?: readonly ContainerPortOptions[];
  /** Ports of an init container with restartPolicy Always. */
  readonly sidecarPorts?: readonly ContainerPortOptions[];
  readonly hostNetwork?: boolean;
  /** Of its node. */
  readonly hostIPs?: readonly string[];
  readonly phase?: 'Running' | 'Succeeded' | 'Failed' | 'Pending';
  readonly uid?: string;
  readonly created?: string;
}

const containerPorts = (ports: readonly ContainerPortOptions[] = []): object[] =>
  ports.map(({ name, port, protocol }) => ({
    ...(name === undefined ? {} : { name }),
    containerPort: port,
    ...(protocol === undefined ? {} : { protocol }),
  }));

/** A pod, named as cells name it: `web.shop`. */
export function pod(end: string, options: PodOptions = {}): Manifest {
  const [name = '', space = ''] = end.split('.');
  const { node: nodeName = 'n1', host = 11, hostNetwork = false, sidecarPorts, created, uid } = options;
  const addresses = options.addresses ?? (hostNetwork ? nodeAddresses(nodeName) : podAddresses(nodeName, host));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: space,
      uid: uid ?? `uid-${space}-${name}`,
      labels: options.labels ?? {},
      creationTimestamp: created ?? '2026-01-01T00:00:00Z',
    },
    spec: {
      nodeName,
      ...(hostNetwork ? { hostNetwork } : {}),
      ...(sidecarPorts === undefined
        ? {}
        : {
            initContainers: [
              { name: 'sidecar', image: 'sidecar', restartPolicy: 'Always', ports: containerPorts(sidecarPorts) },
            ],
          }),
      containers: [{ name: 'main', image: 'main', ports: containerPorts(options.ports) }],
    },
    status: {
      phase: options.phase ?? 'Running',
      podIP: addresses[0],
      podIPs: addresses.map((ip) => ({ ip })),
      ...(options.hostIPs === undefined
        ? {}
        : { hostIP: options.hostIPs[0], hostIPs: options.hostIPs.map((ip) => ({ ip })) }),
    },
  };
}

/** A policy, named as its namespace's: `deny.shop`. */
export function policy(end: string, spec: object): Manifest {
  const [name = '', space = ''] = end.split('.');
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace: space },
    spec,
  };
}

export const annotated = (manifest: Manifest, annotations: Readonly<Record<string, string>>): Manifest => ({
  ...manifest,
  metadata: { ...manifest.metadata, annotations },
});

/** In a dry run. */
export const inDryRun = (manifest: Manifest): Manifest => annotated(manifest, { 'podwall.dev/mode': 'dry-run' });

/** Cells as people write them: `a.x > b.y TCP 80`, allowed or not. */
function cell(text: string, allowed: boolean): Cell {
  const match = /^(\S+) > (\S+) (TCP|UDP|SCTP|ICMP)(?: ([a-z\d-]+))?(?: (IPv4|IPv6))?$/.exec(text);
  if (match === null) throw new Error(`not a cell: ${text}`);
  const [, from = '', to = '', protocol = '', port = '0', family] = match;
  return {
    from,
    to,
    port: /^\d+$/.test(port) ? Number(port) : port,
    protocol: protocol as Cell['protocol'],
    allowed,
    ...(family === undefined ? {} : { family: family as Family }),
  };
}

export const allow = (...texts: readonly string[]): readonly Cell[] => texts.map((text) => cell(text, true));
export const deny = (...texts: readonly string[]): readonly Cell[] => texts.map((text) => cell(text, false));
