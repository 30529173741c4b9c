/** Packets by policy, from the kernel's named counters. */
import { Counter, type Registry } from 'prom-client';
import { policyCounters, type PolicyCounter } from '../../nftables/render/policy-counters.js';
import { metricNames } from './metric-names.js';
import type { MetricSources } from './metric-sources.js';

/** Series by policy. What comes after is summed under `(others)`, so that a large cluster does not overload Prometheus. */
const mostSeries = 1000;
/** Milliseconds: several scrapers share one reading of the kernel. */
const readingKept = 1000;

/** By `direction policies`. */
type Packets = Readonly<Record<PolicyCounter['verdict'], ReadonlyMap<string, number>>>;

/** @param now milliseconds of a steady clock */
export function definePolicyMetrics(
  registry: Registry,
  sources: Pick<MetricSources, 'program' | 'counters'>,
  now: () => number,
): void {
  let reading: { readonly at: number; readonly packets: Promise<Packets> } | undefined;
  let last: Packets = noPackets();
  const failures = new Counter({
    name: metricNames.unreadCounters[0],
    help: metricNames.unreadCounters[1],
    registers: [registry],
    async collect() {
      await packets();
    },
  });
  /** What cannot be read stands still: a series that falls to 0 and back would be counted twice. */
  const read = async (): Promise<Packets> => {
    try {
      last = await readPackets(sources);
    } catch {
      failures.inc();
    }
    return last;
  };
  const packets = (): Promise<Packets> => {
    if (reading === undefined || now() - reading.at > readingKept) reading = { at: now(), packets: read() };
    return reading.packets;
  };
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

const noPackets = (): Record<PolicyCounter['verdict'], Map<string, number>> => ({
  allow: new Map(),
  deny: new Map(),
  dryRunAllow: new Map(),
  dryRunDeny: new Map(),
});

async function readPackets({ program, counters }: Pick<MetricSources, 'program' | 'counters'>): Promise<Packets> {
  const packets = noPackets();
  if (program === undefined || counters === undefined) return packets;
  const counted = await counters();
  for (const [name, { verdict, direction, policies }] of policyCounters(program())) {
    const value = counted.get(name);
    // Of the counters that a dry run may have, few exist.
    if (value === undefined && (verdict === 'dryRunAllow' || verdict === 'dryRunDeny')) continue;
    const found = packets[verdict];
    const full = `${direction} ${policies.join(',')}`;
    const key = found.has(full) || found.size < mostSeries ? full : `${direction} (others)`;
    found.set(key, (found.get(key) ?? 0) + (value ?? 0));
  }
  return packets;
}
