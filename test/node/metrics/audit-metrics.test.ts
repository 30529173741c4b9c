import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { defineAuditMetrics } from '../../../src/node/metrics/audit-metrics.js';

test('what is counted below nought for a moment is told as nought, and leaves the other metrics alone', async () => {
  const registry = new Registry();
  const lost = { 'kernel-queue': 0, 'agg-map-full': 0, writer: 2, rotation: 0, 'agent-down': 0 };
  const totals = { observed: -1, written: 0, aggregated: 0, suppressed: 0, lost, inFlight: -3 };
  defineAuditMetrics(registry, () => ({ isReading: true, totals: () => totals }));
  const text = await registry.metrics();
  expect(text).toContain('podwall_audit_packets_total{outcome="observed"} 0\n');
  expect(text).toContain('podwall_audit_packets_total{outcome="lost"} 2\n');
  expect(text).toContain('podwall_audit_in_flight_packets -3\n');
  expect(text).toContain('podwall_audit_reading 1\n');
});
