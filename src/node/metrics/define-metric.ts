import type { Counter, Gauge, Registry } from 'prom-client';
import { metricNames, type MetricKey } from './metric-names.js';

/** A metric whose value is read at each scrape; without a value it is left out of the scrape. */
export function defineMetric(
  registry: Registry,
  key: MetricKey,
  kind: typeof Gauge | typeof Counter,
  read: () => number | undefined,
): void {
  const [name, help] = metricNames[key];
  new kind({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset();
      const value = read();
      if (value === undefined) this.remove();
      else this.inc(value);
    },
  });
}
