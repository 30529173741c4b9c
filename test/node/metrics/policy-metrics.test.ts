import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { policyCounters } from '../../../src/nftables/render/policy-counters.js';
import { definePolicyMetrics } from '../../../src/node/metrics/policy-metrics.js';
import { PolicyPackets } from '../../../src/node/metrics/policy-packets.js';
import { changeFrom } from '../../../src/program/change.js';
import { everyFeature } from '../../nftables/programs.js';

test('counters that cannot be read stand still, and that is counted', async () => {
  const registry = new Registry();
  const names = [...policyCounters(everyFeature).keys()];
  let [value, isBroken, now] = [5, false, 0];
  const policyPackets = await PolicyPackets.start({
    program: () => everyFeature,
    readCounters: () =>
      isBroken ? Promise.reject(new Error('no')) : Promise.resolve(new Map(names.map((name) => [name, value]))),
    file: { load: () => Promise.resolve(undefined), save: () => Promise.resolve() },
    log: { warn: () => undefined },
  });
  policyPackets.changesCompiled([], changeFrom(everyFeature));
  definePolicyMetrics(registry, { policyPackets }, () => now);
  const scrape = async (): Promise<{ packets: readonly string[]; errors: string | undefined }> => {
    now += 2000;
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const [errors] = lines.filter((line) => line.includes('read_errors'));
    return { packets: lines.filter((line) => line.includes('packets_total')), errors };
  };
  const first = await scrape();
  expect(first.packets.length).toBeGreaterThan(3);
  expect(first.errors).toMatch(/ 0$/);
  [value, isBroken] = [6, true];
  const second = await scrape();
  expect(second.packets).toEqual(first.packets);
  expect(second.errors).toMatch(/ 1$/);
  isBroken = false;
  const third = await scrape();
  expect(third.packets).not.toEqual(first.packets);
  expect(third.errors).toMatch(/ 1$/);
});
