import { Gauge, Counter, type Registry } from 'prom-client';
import { lostWithoutLine, type PacketTotals } from '../../audit/accounting/packet-accounting.js';
import { defineMetric } from './define-metric.js';
import { metricNames, type MetricKey } from './metric-names.js';

/** What the audit log counts. */
export interface AuditNumbers {
  readonly isReading: boolean;
  readonly isWriting: boolean;
  totals(): PacketTotals;
}

/** Packets of the audit log by outcome; no series while there is no audit log. */
export function defineAuditMetrics(registry: Registry, numbers: () => AuditNumbers | undefined): void {
  const gauge = (key: MetricKey, read: (audit: AuditNumbers) => number): void => {
    defineMetric(registry, key, Gauge, () => {
      const audit = numbers();
      return audit && read(audit);
    });
  };
  const counter = (
    key: MetricKey,
    label: string,
    read: (totals: PacketTotals) => Readonly<Record<string, number>>,
  ): void => {
    const [name, help] = metricNames[key];
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        this.reset();
        const totals = numbers()?.totals();
        if (totals === undefined) return;
        // For a moment after a start below 0: what the last run wrote may be counted only by the next reading. A counter cannot be.
        for (const [value, count] of Object.entries(read(totals))) this.inc({ [label]: value }, Math.max(0, count));
      },
    });
  };
  gauge('auditReading', ({ isReading }) => Number(isReading));
  gauge('auditWriting', ({ isWriting }) => Number(isWriting));
  gauge('auditInFlight', (audit) => audit.totals().inFlight);
  counter('auditLost', 'cause', ({ lost }) => lost);
  counter('auditPackets', 'outcome', ({ observed, written, aggregated, suppressed, lost }) => ({
    observed,
    written,
    aggregated,
    suppressed,
    lost: lostWithoutLine(lost),
  }));
}
