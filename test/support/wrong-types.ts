/** Samples of what Podwall reads beside policies, with every field that it reads; and values of other types for them. */
import { isMapping } from '../../src/model/parse.js';

export type Path = readonly (string | number)[];

export interface Sample {
  readonly object: { readonly kind: string };
  /** Fields without which the API has no such object, or nothing of use, by pointer. */
  readonly required: readonly string[];
  readonly everyValue: boolean;
}

const own = (name: string) => ({ name, namespace: 'shop' });
const other = {
  uid: 'u-1',
  generation: 3,
  creationTimestamp: '2026-01-01T00:00:00Z',
  deletionTimestamp: '2026-01-02T00:00:00Z',
  labels: { app: 'web', 'pod-template-hash': '6d4cf56db6' },
  annotations: { note: 'x' },
};
const metadata = (name: string): object => ({ ...own(name), ...other });
const owners = [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 'web', controller: true }];

const probe = { httpGet: { port: 8080 }, tcpSocket: { port: 'http' }, grpc: { port: 9090 } };
const container = {
  ports: [{ name: 'http', containerPort: 8080, protocol: 'TCP' }],
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
};
const podSpec = {
  nodeName: 'n1',
  hostNetwork: false,
  containers: [container],
  initContainers: [{ restartPolicy: 'Always', ...container }],
};
/** A template has no name of its own: what stands there is not looked at. */
const template = { metadata: { ...other, ownerReferences: owners }, spec: podSpec };

const workload = (apiVersion: string, kind: string, spec: object): Sample => ({
  object: {
    apiVersion,
    kind,
    metadata: {
      ...own('web'),
      generateName: 'web-',
      labels: other.labels,
      annotations: other.annotations,
      ownerReferences: owners,
    },
    spec,
  } as Sample['object'],
  required: ['/metadata'],
  everyValue: kind === 'Deployment' || kind === 'CronJob',
});

export const samples: readonly Sample[] = [
  {
    object: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata('web'), generateName: 'web-', ownerReferences: owners },
      spec: podSpec,
      status: {
        phase: 'Running',
        hostIP: '192.168.0.1',
        hostIPs: [{ ip: '192.168.0.1' }],
        podIP: '10.0.0.1',
        podIPs: [{ ip: '10.0.0.1' }],
      },
    } as Sample['object'],
    required: ['/metadata', '/status/hostIPs/0/ip', '/status/podIPs/0/ip'],
    everyValue: true,
  },
  ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map((kind) =>
    workload('apps/v1', kind, { replicas: 1, suspend: false, template }),
  ),
  workload('v1', 'ReplicationController', { replicas: 1, suspend: false, template }),
  workload('batch/v1', 'Job', { replicas: 1, suspend: true, template }),
  workload('batch/v1', 'CronJob', { replicas: 1, suspend: true, jobTemplate: { spec: { template } } }),
  {
    object: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata('web'),
      spec: {
        selector: { app: 'web' },
        clusterIP: '10.96.0.10',
        clusterIPs: ['10.96.0.10'],
        externalIPs: ['192.0.2.10'],
        ports: [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }],
      },
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.11' }] } },
    } as Sample['object'],
    required: ['/metadata', '/metadata/name', '/spec/ports/0/port'],
    everyValue: true,
  },
  {
    object: { apiVersion: 'v1', kind: 'Namespace', metadata: metadata('shop') } as Sample['object'],
    required: ['/metadata', '/metadata/name'],
    everyValue: true,
  },
  {
    object: {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: metadata('n1'),
      spec: { podCIDR: '10.244.1.0/24', podCIDRs: ['10.244.1.0/24'] },
      status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
    } as Sample['object'],
    required: ['/metadata', '/metadata/name', '/status/addresses/0/address'],
    everyValue: true,
  },
];

/** Every field and item, with its value. */
export function fieldsOf(value: unknown, path: Path = []): readonly (readonly [Path, unknown])[] {
  const inner = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  return [
    ...(path.length === 0 ? [] : [[path, value] as const]),
    ...inner.flatMap(([key, one]) => fieldsOf(one, [...path, Array.isArray(value) ? Number(key) : key])),
  ];
}

/** The object with what `change` makes of one field. */
export function edited<T>(object: T, [part, ...rest]: Path, change: (value: unknown) => unknown): T {
  if (part === undefined) return change(object) as T;
  const copy = (Array.isArray(object) ? [...(object as unknown[])] : { ...object }) as Record<string | number, unknown>;
  copy[part] = edited(copy[part], rest, change);
  return copy as T;
}

export const pointerOf = (path: Path): string => path.map((part) => `/${part}`).join('');

/** Values of types that the field has not. */
export function wrongFor(path: Path, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return ['text', 7, true, { a: 1 }];
  if (isMapping(value)) return ['text', 7, true, ['a']];
  // A name, or a number: grpc has no names.
  const isPort =
    path.at(-1) === 'targetPort' || (path.at(-1) === 'port' && /httpGet|tcpSocket/.test(String(path.at(-2))));
  if (isPort) return [true, { a: 1 }, ['a'], 1.5];
  if (typeof value === 'number') return ['text', true, { a: 1 }, ['a'], 1.5];
  if (typeof value === 'boolean') return ['text', 7, { a: 1 }, ['a']];
  return [7, true, { a: 1 }, ['a']];
}

/** The value, noting the pointer of every field that somebody looks at, whether it is there or not. */
export function recorded<T>(value: T, read: Set<string>, path: Path = []): T {
  if (typeof value !== 'object' || value === null) return value;
  return new Proxy(value, {
    get(target, key, receiver) {
      const one: unknown = Reflect.get(target, key, receiver);
      if (typeof key === 'symbol' || (Array.isArray(target) && !/^\d+$/.test(key))) return one;
      if (!Array.isArray(target) && key in Object.prototype) return one;
      const at = [...path, Array.isArray(target) ? Number(key) : key];
      read.add(pointerOf(at));
      return recorded(one, read, at);
    },
  });
}
