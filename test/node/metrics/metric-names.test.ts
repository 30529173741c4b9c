import { expect, test } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { metricNames } from '../../../src/node/metrics/metric-names.js';

test('every metric of the table is defined; whether it has a value is asked of a real agent (test/kernel/metrics)', () => {
  const folder = join(import.meta.dirname, '../../../src/node/metrics');
  const sources = readdirSync(folder)
    .filter((name) => name !== 'metric-names.ts')
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('\n');
  const undefinedKeys = Object.keys(metricNames).filter(
    (key) => !new RegExp(`\\('${key}'|'${key}'[,\\]]|metricNames\\.${key}\\b|: '${key}'`).test(sources),
  );
  expect(undefinedKeys).toEqual([]);
});
