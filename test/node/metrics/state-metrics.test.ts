import { expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { conntrackUse } from '../../../src/kernel/conntrack/conntrack-use.js';
import { defineStateMetrics } from '../../../src/node/metrics/state-metrics.js';

test('entries of conntrack and their limit are as the kernel shows them; without conntrack neither has a value', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-conntrack-'));
  const registry = new Registry();
  defineStateMetrics(registry, { conntrack: () => conntrackUse(folder) }, () => undefined);
  expect(await registry.metrics()).not.toMatch(/^podwall_conntrack/m);
  await writeFile(join(folder, 'nf_conntrack_count'), '1200\n');
  await writeFile(join(folder, 'nf_conntrack_max'), '262144\n');
  const text = await registry.metrics();
  expect(text).toContain('podwall_conntrack_entries 1200\n');
  expect(text).toContain('podwall_conntrack_entries_limit 262144\n');
  await rm(folder, { recursive: true });
});
