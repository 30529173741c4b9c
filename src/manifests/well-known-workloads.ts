/** Workloads that most clusters have and an application's repository does not contain. */

interface WellKnownWorkload {
  readonly namespace: string;
  /** Beside kubernetes.io/metadata.name. */
  readonly namespaceLabels?: Readonly<Record<string, string>>;
  readonly kind: 'Deployment' | 'StatefulSet';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly { readonly name: string; readonly containerPort: number; readonly protocol?: string }[];
}

/** As their own installation manifests make them. */
const workloads: Readonly<Record<string, WellKnownWorkload>> = {
  'kube-dns': {
    namespace: 'kube-system',
    kind: 'Deployment',
    name: 'coredns',
    labels: { 'k8s-app': 'kube-dns' },
    ports: [
      { name: 'dns', containerPort: 53, protocol: 'UDP' },
      { name: 'dns-tcp', containerPort: 53 },
      { name: 'metrics', containerPort: 9153 },
    ],
  },
  'ingress-nginx': {
    namespace: 'ingress-nginx',
    namespaceLabels: { 'app.kubernetes.io/name': 'ingress-nginx', 'app.kubernetes.io/instance': 'ingress-nginx' },
    kind: 'Deployment',
    name: 'ingress-nginx-controller',
    labels: {
      'app.kubernetes.io/name': 'ingress-nginx',
      'app.kubernetes.io/instance': 'ingress-nginx',
      'app.kubernetes.io/component': 'controller',
    },
    ports: [
      { name: 'http', containerPort: 80 },
      { name: 'https', containerPort: 443 },
      { name: 'webhook', containerPort: 8443 },
    ],
  },
  prometheus: {
    namespace: 'monitoring',
    kind: 'StatefulSet',
    name: 'prometheus-k8s',
    labels: {
      'app.kubernetes.io/name': 'prometheus',
      'app.kubernetes.io/instance': 'k8s',
      'app.kubernetes.io/component': 'prometheus',
    },
    ports: [{ name: 'web', containerPort: 9090 }],
  },
  'metrics-server': {
    namespace: 'kube-system',
    kind: 'Deployment',
    name: 'metrics-server',
    labels: { 'k8s-app': 'metrics-server' },
    ports: [{ name: 'https', containerPort: 10_250 }],
  },
};

export interface WellKnownObject {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: WellKnownWorkload['labels'];
  };
  readonly spec?: object;
}

/** Their names. */
export const wellKnownWorkloads: readonly string[] = Object.keys(workloads);

/** The workload of that name and its namespace; undefined where there is none. */
export function wellKnownObjects(name: string): readonly WellKnownObject[] | undefined {
  const workload = Object.hasOwn(workloads, name) ? workloads[name] : undefined;
  return workload && objectsOf(workload);
}

function objectsOf({
  namespace,
  namespaceLabels,
  kind,
  name,
  labels,
  ports,
}: WellKnownWorkload): readonly WellKnownObject[] {
  const template = { metadata: { labels }, spec: { containers: [{ name, image: name, ports }] } };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: namespaceLabels ?? {} } },
    {
      apiVersion: 'apps/v1',
      kind,
      metadata: { name, namespace },
      spec: { selector: { matchLabels: labels }, template },
    },
  ];
}
