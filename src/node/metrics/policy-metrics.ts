/** Packets by policy, from the kernel's named counters. */
import { Counter, type Registry } from 'prom-client';
import { defineMetric } from './define-metric.js';
import { metricNames } from './metric-names.js';
import type { MetricSources } from './metric-sources.js';
import type { PolicyPackets } from './policy-series.js';

/** Milliseconds: several scrapers share one reading of the kernel. */
const readingKept = 1000;

/** @param now milliseconds of a steady clock */
export function definePolicyMetrics(
  registry: Registry,
  sources: Pick<MetricSources, 'policyPackets'>,
  now: () => number,
): void {
  let reading: { readonly at: number; readonly packets: Promise<PolicyPackets> } | undefined;
  const failures = new Counter({
    name: metricNames.unreadCounters[0],
    help: metricNames.unreadCounters[1],
    registers: [registry],
    async collect() {
      await packets();
    },
  });
  /** What cannot be read stands still: a series that falls to 0 and back would be counted twice. */
  const read = async (): Promise<PolicyPackets> => {
    const { policyPackets } = sources;
    if (policyPackets === undefined) return noPackets;
    try {
      await policyPackets.read();
    } catch {
      failures.inc();
    }
    return policyPackets.series.packets(now());
  };
  const packets = (): Promise<PolicyPackets> => {
    if (reading === undefined || now() - reading.at > readingKept) reading = { at: now(), packets: read() };
    return reading.packets;
  };
  defineMetric(registry, 'counterResets', Counter, () => sources.policyPackets?.series.resets);
  const [dropped, whatIsDropped] = metricNames.dropped;
  new Counter({
    name: dropped,
    help: whatIsDropped,
    labelNames: ['reason'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [reason, value] of (await packets()).drop) this.inc({ reason }, value);
    },
  });
  for (const [key, verdict] of [
    ['allowed', 'allow'],
    ['denied', 'deny'],
    ['dryRunAllow', 'dryRunAllow'],
    ['dryRunDeny', 'dryRunDeny'],
  ] as const) {
    const [name, help] = metricNames[key];
    new Counter({
      name,
      help,
      labelNames: ['direction', 'policy'],
      registers: [registry],
      async collect() {
        this.reset();
        for (const [labels, value] of (await packets())[verdict]) {
          const [direction = '', policy = ''] = labels.split(' ');
          this.inc({ direction, policy }, value);
        }
      },
    });
  }
}

const noPackets: PolicyPackets = {
  allow: new Map(),
  deny: new Map(),
  dryRunAllow: new Map(),
  dryRunDeny: new Map(),
  drop: new Map(),
};
