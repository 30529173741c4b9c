/** Gauges and counters whose values the agent has anyway: they are read at each scrape. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { sumOf } from '../../generic/sum-of.js';
import type { Ruleset } from '../../nftables/language/types.js';
import type { AgentStatus } from '../control-socket.js';
import { defineMetric } from './define-metric.js';
import type { MetricKey } from './metric-names.js';
import type { MetricSources } from './metric-sources.js';

type Read = () => number | undefined;

/** @param status read once for each scrape: making it walks every pod of the node */
export function defineStateMetrics(
  registry: Registry,
  sources: MetricSources,
  status: () => AgentStatus | undefined,
): void {
  const gauge = (key: MetricKey, read: Read): void => defineMetric(registry, key, Gauge, read);
  const counter = (key: MetricKey, read: Read): void => defineMetric(registry, key, Counter, read);
  defineStatusMetrics(gauge, counter, status);
  defineRulesetMetrics(gauge, () => sources.ruleset?.());
  counter('restarts', () => sources.source?.()?.restarts);
  counter('received', () => sources.source?.()?.receivedBytes);
  gauge('conntrackEntries', () => sources.conntrack?.()?.entries);
  gauge('conntrackLimit', () => sources.conntrack?.()?.limit);
  gauge('memory', () => process.memoryUsage.rss());
  counter('cpu', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}

type Define = (key: MetricKey, read: Read) => void;

function defineStatusMetrics(gauge: Define, counter: Define, status: () => AgentStatus | undefined): void {
  gauge('policies', () => status()?.policies);
  gauge('failing', () => status()?.failing.length);
  gauge('endpoints', () => status()?.endpoints.length);
  gauge('unattached', () => status()?.unattached.length);
  gauge('unfiltered', () => status()?.unfiltered.length);
  gauge('ready', () => (status()?.ready === true ? 1 : 0));
  gauge('revision', () => status()?.revision);
  gauge('stale', () => (status() === undefined ? undefined : (status()?.staleSeconds ?? 0)));
  gauge('lastApplied', () => {
    const at = status()?.lastApplied;
    return at === undefined ? undefined : at / 1000;
  });
  counter('failures', () => status()?.failures);
  counter('repairs', () => status()?.repairs);
}

function defineRulesetMetrics(gauge: Define, ruleset: () => Ruleset | undefined): void {
  gauge('sets', () => ruleset()?.sets.size);
  gauge('chains', () => ruleset()?.chains.size);
  gauge('rules', () => {
    const chains = ruleset()?.chains.values();
    return chains && sumOf(chains, ({ rules }) => rules.length);
  });
  gauge('elements', () => {
    const sets = ruleset()?.sets.values();
    return sets && sumOf(sets, ({ elements }) => elements.size);
  });
}
