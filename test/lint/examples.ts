/** What a rule needs around its examples to speak: the workloads of `shop`, its Services, other namespaces. */
import { rules } from '../../src/lint/catalogue.js';
import type { Rule } from '../../src/lint/types.js';

const deployment = (name: string, namespace: string, template: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  template: ${template}
`;
const template = (labels: string, spec = 'containers: [{name: main}]'): string =>
  `{metadata: {labels: {${labels}}}, spec: {${spec}}}`;
const namespace = (name: string, labels = ''): string =>
  `apiVersion: v1\nkind: Namespace\nmetadata: {name: ${name}, labels: {kubernetes.io/metadata.name: ${name}${labels}}}\n`;

const web = deployment(
  'web',
  'shop',
  template('app: web', 'containers: [{name: main, ports: [{name: http, containerPort: 8080}]}]'),
);
const db = deployment(
  'db',
  'shop',
  template('app: db', 'containers: [{name: main, ports: [{name: sql, containerPort: 5432}]}]'),
);
const exporter = deployment(
  'node-exporter',
  'shop',
  template(
    'app: node-exporter',
    'hostNetwork: true, containers: [{name: main, ports: [{name: metrics, containerPort: 9100}]}]',
  ),
);
const service =
  'apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\n';
const node =
  'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {podCIDR: 10.244.1.0/24, podCIDRs: [10.244.1.0/24, "fd00:10:244:1::/64"]}\n';
const elsewhere = deployment('there', 'other', template('app: only-there'));
const metrics = deployment(
  'metered',
  'shop',
  template('app: metered', 'containers: [{name: main, ports: [{name: metrics, containerPort: 9090}]}]'),
);

const scaled = (name: string, replicas: number): string =>
  deployment(name, 'shop', template(`app: ${name}`)).replace('spec:\n', `spec:\n  replicas: ${replicas}\n`);
const memberOfDb = (name: string, labels: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {${labels}}, ownerReferences: [{kind: StatefulSet, name: db, controller: true}]}\nspec: {containers: [{name: main}]}\n`;

const contexts: Readonly<Record<string, readonly string[]>> = {
  NP101: [web, elsewhere, namespace('other', ', team: a')],
  NP116: [web, scaled('solo', 1)],
  NP117: [web, exporter],
  NP118: [namespace('shop'), web, exporter],
  NP119: [namespace('shop'), web, scaled('asleep', 0)],
  NP201: [web],
  NP202: [web, metrics],
  NP205: [web, service],
  NP206: [web],
  NP301: [namespace('shop'), namespace('kube-system')],
  NP302: [node],
  NP303: [
    'apiVersion: networking.k8s.io/v1\nkind: ServiceCIDR\nmetadata: {name: kubernetes}\nspec: {cidrs: [10.96.0.0/12]}\n',
  ],
  NP306: [node],
  NP309: [
    'apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec: {containers: [{name: main}]}\nstatus: {podIPs: [{ip: 10.244.1.7}]}\n',
  ],
  NP401: [namespace('shop'), web],
  NP402: [namespace('shop'), web],
  NP403: [namespace('shop'), web],
  NP404: [namespace('shop'), web],
  NP405: [namespace('shop'), web, db],
  NP406: [namespace('shop'), web, service],
  NP407: [namespace('shop'), web, db],
  NP414: [memberOfDb('db-0', 'app: db, role: primary'), memberOfDb('db-1', 'app: db')],
};

/** A policy of `shop` with this spec. */
export function policyOf(spec: string, name = 'p0', annotations: Readonly<Record<string, string>> = {}): string {
  const metadata = { name, namespace: 'shop', ...(Object.keys(annotations).length > 0 && { annotations }) };
  const head = `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: ${JSON.stringify(metadata)}\n`;
  return `${head}spec:\n${spec.replace(/^/gm, '  ')}`;
}

/** The texts of a rule's example, each policy as a whole object, and of what stands around it. */
export function manifestsOf(rule: Rule, example: string, annotations: Readonly<Record<string, string>> = {}): string[] {
  const policies = example
    .split('\n---\n')
    .map((part, index) => (part.startsWith('apiVersion') ? part : policyOf(part, `p${index}`, annotations)));
  return [...(contexts[rule.id] ?? []), ...policies];
}

/** Rules whose finding is of a whole object that the example does not annotate, or of no object. */
export const withoutAnnotation: ReadonlySet<string> = new Set([
  'NP000',
  'NP002',
  'NP003',
  'NP004',
  'NP005',
  'NP006',
  'NP018',
  'NP019',
  'NP020',
  'NP022',
  'NP404',
  'NP405',
  'NP406',
]);

export const isClosed = ({ scope }: Rule): boolean => scope === 'cluster' || scope === 'policies';

export const ruleNamed = (id: string): Rule => {
  const rule = rules.find((one) => one.id === id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule;
};
