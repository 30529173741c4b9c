/** Every object that the chart renders, asked of a real API server. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Resources } from '../../src/node/resources.js';
import { Lab } from '../support/lab/lab.js';
import { combinations, objectsOf, template } from './chart.js';
import { InstalledChart, missingForCluster } from './installed.js';

const suite = missingForCluster === undefined ? describe : describe.skip;

suite(`the chart before a real API server${missingForCluster === undefined ? '' : ` [${missingForCluster}]`}`, () => {
  const resources = new Resources();
  let chart: InstalledChart;
  const create = (objects: string, ...flags: readonly string[]): Promise<string> =>
    chart.kubectl(['create', '--validate=strict', '--filename', '-', ...flags], objects);

  beforeAll(async () => {
    const lab = resources.use(await Lab.create([]));
    chart = resources.use(await InstalledChart.start(lab));
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
