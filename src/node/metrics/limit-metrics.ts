/** The limits, and how much is over each. */
import { Gauge, type Registry } from 'prom-client';
import type { AgentStatus } from '../control-socket.js';
import { defineMetric } from './define-metric.js';
import { metricNames } from './metric-names.js';
import type { MetricSources } from './metric-sources.js';

export function defineLimitMetrics(
  registry: Registry,
  sources: Pick<MetricSources, 'limits'>,
  status: () => AgentStatus | undefined,
): void {
  defineMetric(registry, 'policyMemory', Gauge, () => status()?.policyMemory);
  const [limit, limitHelp] = metricNames.limit;
  new Gauge({
    name: limit,
    help: limitHelp,
    labelNames: ['limit'],
    registers: [registry],
    collect() {
      for (const [name, most] of Object.entries(sources.limits?.() ?? {})) this.set({ limit: name }, most);
    },
  });
  const [exceeded, exceededHelp] = metricNames.overLimit;
  new Gauge({
    name: exceeded,
    help: exceededHelp,
    labelNames: ['limit'],
    registers: [registry],
    collect() {
      // A limit that nothing is over has its 0: an alert needs the series to be there.
      for (const name of Object.keys(sources.limits?.() ?? {})) this.set({ limit: name }, 0);
      for (const one of status()?.overLimits ?? []) this.inc({ limit: one.limit });
    },
  });
}
