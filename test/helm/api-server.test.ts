/** Every object that the chart renders, asked of a real API server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Disposables } from '../../src/node/disposables.js';
import { Lab } from '../support/lab/lab.js';
import { combinations, objectsOf, template } from './chart.js';
import { InstalledChart, missingForCluster } from './installed.js';

const suite = missingForCluster === undefined ? describe : describe.skip;

suite(`the chart before a real API server${missingForCluster === undefined ? '' : ` [${missingForCluster}]`}`, () => {
  const resources = new Disposables();
  let chart: InstalledChart;
  const create = (objects: string, ...flags: readonly string[]): Promise<string> =>
    chart.kubectl(['create', '--validate=strict', '--filename', '-', ...flags], objects);

  beforeAll(async () => {
    const lab = resources.use(await Lab.create([]));
    chart = resources.use(await InstalledChart.start(lab));
    // Stand-ins for the Prometheus operator's kinds, whose own definitions are not ours to carry.
    const definitions = [
      monitoringKind('podmonitors', 'PodMonitor'),
      monitoringKind('prometheusrules', 'PrometheusRule'),
    ];
    await create(definitions.map((one) => JSON.stringify(one)).join('\n---\n'));
    await chart.kubectl(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=20s']);
  }, 90_000);
  afterAll(() => resources[Symbol.asyncDispose](), 60_000);

  test.each(Object.entries(combinations))('takes every object: %s', async (_name, values) => {
    const rendered = await template(values);
    const answer = await create(rendered, '--dry-run=server');
    expect(answer.split('\n')).toHaveLength(objectsOf(rendered).length);
  });

  test('refuses a field that it does not know: the check is strict', async () => {
    const rendered = (await template([])).replace('hostNetwork:', 'hostNetwerk:');
    await expect(create(rendered, '--dry-run=server')).rejects.toThrow(
      'unknown field "spec.template.spec.hostNetwerk"',
    );
  });
});

function monitoringKind(plural: string, kind: string): object {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
}
