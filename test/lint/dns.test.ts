/** With the DNS pods in the input, NP203 says for sure. */
import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';
import { policyOf } from './examples.js';

const workload = (kind: string, name: string, namespace: string, labels: string, ports = '[]'): string =>
  `apiVersion: apps/v1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {template: {metadata: {labels: {${labels}}}, spec: {containers: [{name: main, ports: ${ports}}]}}}`;
const objects = [
  'apiVersion: v1\nkind: Namespace\nmetadata: {name: kube-system}',
  'apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}',
  workload(
    'Deployment',
    'coredns',
    'kube-system',
    'k8s-app: kube-dns',
    '[{name: dns, containerPort: 53, protocol: UDP}, {name: dns-tcp, containerPort: 53}]',
  ),
  workload('Deployment', 'web', 'shop', 'app: web, tier: front'),
  workload('Deployment', 'db', 'shop', 'app: db'),
];
const egress = (subject: string, rules: string, name = 'p0'): string =>
  policyOf(`${subject}\npolicyTypes: [Egress]\negress:\n${rules}`, name);
const toDb = '  - to: [{podSelector: {matchLabels: {app: db}}}]';
const web = 'podSelector: {matchLabels: {app: web}}';
const kubeSystem =
  '{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}';

test.each([
  ['nothing but the database', [egress(web, toDb)], ['error']],
  ['a wide block without the port', [egress(web, `${toDb}\n  - to: [{ipBlock: {cidr: 10.0.0.0/8}}]`)], ['error']],
  [
    'all but private addresses',
    [egress(web, `${toDb}\n  - to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]`)],
    ['error'],
  ],
  [
    'other pods of kube-system',
    [egress(web, `${toDb}\n  - to: [{namespaceSelector: {}, podSelector: {matchLabels: {k8s-app: dns}}}]`)],
    ['error'],
  ],
  ['UDP only', [egress(web, `${toDb}\n  - to: [${kubeSystem}]\n    ports: [{port: 53, protocol: UDP}]`)], ['warning']],
  ...['169.254.25.10/32', '169.254.20.10/32'].map(
    (cidr) =>
      [
        `a cache on every node at ${cidr}`,
        [
          egress(
            web,
            `${toDb}\n  - to: [{ipBlock: {cidr: ${cidr}}}]\n    ports: [{port: 53, protocol: UDP}, {port: 53}]`,
          ),
        ],
        [],
      ] as [string, string[], string[]],
  ),
  [
    'an address of the node at another port',
    [egress(web, `${toDb}\n  - to: [{ipBlock: {cidr: 169.254.25.10/32}}]\n    ports: [{port: 80}]`)],
    ['error'],
  ],
  [
    'both, by name',
    [egress(web, `${toDb}\n  - to: [${kubeSystem}]\n    ports: [{port: dns, protocol: UDP}, {port: dns-tcp}]`)],
    [],
  ],
  [
    'both, by another label of its pods',
    [
      egress(web, toDb),
      egress('podSelector: {matchLabels: {tier: front}}', '  - ports: [{port: 53, protocol: UDP}, {port: 53}]', 'p1'),
    ],
    [],
  ],
])('%s', async (_, policies, severities) => {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-dns-'));
  await writeFile(join(folder, 'cluster.yaml'), [...objects, ...policies].join('\n---\n'));
  const { input: read } = await readLintInputs({ file: [folder], closedWorld: true });
  await rm(folder, { recursive: true });
  expect(
    lint(read)
      .filter(({ rule, object }) => rule === 'NP203' && object.name === 'p0')
      .map(({ severity }) => severity),
  ).toEqual(severities);
});
