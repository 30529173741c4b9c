import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { defineAuditMetrics } from '../../../src/node/metrics/audit-metrics.js';

test('a count that is negative for a moment is shown as zero, and leaves the other metrics alone', async () => {
  const registry = new Registry();
  const lost = { 'kernel-queue': 0, 'agg-map-full': 0, writer: 2, rotation: 0, 'agent-down': 0 };
  const totals = { observed: -1, written: 0, aggregated: 0, suppressed: 0, lost, inFlight: -3 };
  defineAuditMetrics(registry, () => ({ isReading: true, isWriting: true, totals: () => totals }));
  const text = await registry.metrics();
  expect(text).toContain('podwall_audit_packets_total{outcome="observed"} 0\n');
  expect(text).toContain('podwall_audit_packets_total{outcome="lost"} 2\n');
  expect(text).toContain('podwall_audit_in_flight_packets -3\n');
  expect(text).toContain('podwall_audit_reading 1\n');
});

test('without an audit log, none of them has a value; with one that ends, none keeps its last value', async () => {
  const registry = new Registry();
  const lost = { 'kernel-queue': 0, 'agg-map-full': 0, writer: 0, rotation: 0, 'agent-down': 0 };
  const totals = { observed: 5, written: 2, aggregated: 0, suppressed: 0, lost, inFlight: 3 };
  let isOn = false;
  defineAuditMetrics(registry, () => (isOn ? { isReading: true, isWriting: true, totals: () => totals } : undefined));
  const values = async (): Promise<readonly string[]> =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  expect(await values()).toEqual([]);
  isOn = true;
  const scraped = await values();
  expect(scraped).toContain('podwall_audit_in_flight_packets 3');
  expect(scraped).toContain('podwall_audit_reading 1');
  expect(scraped).toContain('podwall_audit_writing 1');
  expect(await values()).toEqual(scraped);
  isOn = false;
  expect(await values()).toEqual([]);
});
