/** An address of a Service stands for its pods: kube-proxy rewrites it before policies see the packet. */
import { expect, test } from '@jest/globals';
import { compileInput } from '../../src/analysis/compiled-input.js';
import { EndpointNames } from '../../src/analysis/endpoint-names.js';
import { questionsBetween } from '../../src/analysis/endpoint-questions.js';
import { answersFor } from '../../src/analysis/questions.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { lint } from '../../src/lint/engine.js';
import { LintInputCollector } from '../../src/lint/lint-input-collector.js';
import { ManifestCollector } from '../../src/manifests/manifest-collector.js';

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${name}, namespace: shop, labels: {app: ${name}}}\nspec: {containers: [{name: a}]}\n`;
const policy = (name: string, rest: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: ${name}, namespace: shop}\nspec: {podSelector: {matchLabels: {app: ${name}}}, ${rest}}\n`;
const service = (more: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {type: LoadBalancer, ${more} selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}\nstatus: {loadBalancer: {ingress: [{ip: 203.0.113.9}]}}\n`;
const whole = service('clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10, "fd00::10"], externalIPs: [198.51.100.7],');
const addresses = ['10.96.0.10', 'fd00::10', '198.51.100.7', '203.0.113.9'];

const cluster = [
  ...['web', 'client', 'other'].map(pod),
  policy('web', 'ingress: [{from: [{podSelector: {matchLabels: {app: client}}}], ports: [{port: 8080}]}]'),
  policy('client', 'policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: web}}}]}]'),
  policy('other', `policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 203.0.113.9/32}}]}]`),
];

function allowed(texts: readonly string[], from: string, to: string): readonly boolean[] {
  const collector = new ManifestCollector({ strict: true });
  collector.takeText(texts.join('---\n'), 'f.yaml');
  const input = compileInput(collector.objects(), { ipBlocks: 'cluster', podCidrs: [], includeDryRun: false });
  const names = new EndpointNames(input, 'shop');
  const evaluator = new Evaluator(input.program, input.blocks);
  return questionsBetween(names, names.named(from), names.destination(to), '80').flatMap((question) =>
    answersFor(evaluator, question).map((one) => one.allowed),
  );
}

test.each(addresses)('%s is answered for the pods behind it, at their port', (address) => {
  expect(allowed([...cluster, whole], 'client', address)).toEqual([true]);
  // Its block names the address that no packet carries.
  expect(allowed([...cluster, whole], 'other', address)).toEqual([false]);
});

test('with its port it is the same', () => {
  expect(allowed([...cluster, whole], 'client', '10.96.0.10:80')).toEqual([true]);
  expect(allowed([...cluster, whole], 'other', '[fd00::10]:80')).toEqual([false]);
});

test('of a headless Service none is translated', () => {
  expect(allowed([...cluster, service('clusterIP: None,')], 'other', '203.0.113.9')).toEqual([true]);
});

test('a Service whose pods are not in the input has no answer', () => {
  expect(() => allowed([pod('client'), whole], 'client', '203.0.113.9')).toThrow('selects no pod of the input');
});

test.each(addresses)('NP303 knows %s', (address) => {
  const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
  const block = `{ipBlock: {cidr: "${address}/${address.includes(':') ? 128 : 32}"}}`;
  collector.takeText([whole, policy('web', `egress: [{to: [${block}]}]`)].join('---\n'), 'f.yaml');
  const messages = lint(collector.input(false).input).flatMap((one) => (one.rule === 'NP303' ? [one.message] : []));
  expect(messages).toEqual(['this is an address of Service shop/web, not of its pods']);
});
