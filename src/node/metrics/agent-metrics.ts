/** The agent's numbers for Prometheus. Gauges are read when they are asked for; only what happens is counted as it does. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SourceTraffic } from '../../cluster/types.js';
import { policyCounters, type PolicyCounter } from '../../nftables/names/policy-counters.js';
import type { Nftables } from '../../nftables/language/nftables.js';
import type { Ruleset } from '../../nftables/language/types.js';
import { countElements, type Transaction } from '../../nftables/language/command.js';
import type { PolicyProgram } from '../../program/types.js';
import { defineAuditMetrics, type AuditNumbers } from './audit-metrics.js';
import type { AgentStatus } from '../control-socket.js';
import { metricNames } from './metric-names.js';

/** What the numbers are taken from; each may come when the agent has got so far. */
export interface MetricSources {
  status?: () => AgentStatus;
  program?: () => PolicyProgram;
  ruleset?: () => Ruleset;
  /** Packets by named counter, from the kernel. */
  counters?: () => Promise<ReadonlyMap<string, number>>;
  source?: () => SourceTraffic | undefined;
  /** Absent while there are no records. */
  audit?: () => AuditNumbers | undefined;
}

/** Series by policy; what comes after is summed under `(others)`, so that a large cluster is no burden to Prometheus. */
const mostPolicySeries = 1000;
/** Milliseconds: several scrapers read the kernel once. */
const packetsKept = 1000;

/** By `direction policies`. */
type Packets = Readonly<Record<PolicyCounter['verdict'], ReadonlyMap<string, number>>>;

export class AgentMetrics implements Disposable {
  readonly sources: MetricSources = {};
  readonly #registry = new Registry();
  readonly #applied: Histogram;
  readonly #transactions: Counter;
  readonly #changed: Counter;
  readonly #reportFailures: Counter;
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  /** Read once a scrape: it walks every pod of the node. */
  #status: AgentStatus | undefined;
  #read: { readonly at: number; readonly packets: Promise<Packets> } | undefined;

  constructor() {
    const [name, help] = metricNames.applied;
    const buckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
    this.#applied = new Histogram({ name, help, buckets, registers: [this.#registry] });
    this.#transactions = this.#counter('transactions', ['outcome']);
    this.#changed = this.#counter('changed');
    this.#reportFailures = this.#counter('reportFailures', ['kind']);
    this.#defineGauges();
    this.#definePolicyCounters();
    defineAuditMetrics(this.#registry, () => this.sources.audit?.());
    this.#delay.enable();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    this.#status = this.sources.status?.();
    return this.#registry.metrics();
  }

  applied(milliseconds: number): void {
    this.#applied.observe(milliseconds / 1000);
  }

  reportFailed(kind: 'Event' | 'NodePolicyStatus'): void {
    this.#reportFailures.inc({ kind });
  }

  [Symbol.dispose](): void {
    this.#delay.disable();
  }

  /** The same door, with its transactions counted. */
  countTransactions(door: Nftables): Nftables {
    const apply = async (transaction: Transaction, signal?: AbortSignal): Promise<void> => {
      try {
        await door.apply(transaction, signal);
        this.#transactions.inc({ outcome: 'applied' });
        this.#changed.inc(countElements(transaction));
      } catch (error) {
        this.#transactions.inc({ outcome: 'failed' });
        throw error;
      }
    };
    return {
      apply,
      check: (transaction, signal) => door.check(transaction, signal),
      list: (family, table, signal) => door.list(family, table, signal),
      close: () => door.close(),
    };
  }

  #counter(key: keyof typeof metricNames, labelNames: readonly string[] = []): Counter {
    const [name, help] = metricNames[key];
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** A number that is somebody else's, read at each scrape; absent while nobody knows it. */
  #reading(key: keyof typeof metricNames, kind: typeof Gauge | typeof Counter, read: () => number | undefined): void {
    const [name, help] = metricNames[key];
    new kind({
      name,
      help,
      registers: [this.#registry],
      collect() {
        this.reset();
        const value = read();
        if (value === undefined) this.remove();
        else this.inc(value);
      },
    });
  }

  #defineGauges(): void {
    const { sources } = this;
    const status = (): AgentStatus | undefined => this.#status;
    const ruleset = (): Ruleset | undefined => sources.ruleset?.();
    const gauge = (key: keyof typeof metricNames, read: () => number | undefined): void =>
      this.#reading(key, Gauge, read);
    const counter = (key: keyof typeof metricNames, read: () => number | undefined): void =>
      this.#reading(key, Counter, read);
    gauge('policies', () => status()?.policies);
    gauge('failing', () => status()?.failing.length);
    gauge('endpoints', () => status()?.endpoints.length);
    gauge('unattached', () => status()?.unattached.length);
    gauge('ready', () => (status()?.ready === true ? 1 : 0));
    gauge('revision', () => status()?.revision);
    gauge('stale', () => (status() === undefined ? undefined : (status()?.staleSeconds ?? 0)));
    gauge('lastApplied', () => {
      const at = status()?.lastApplied;
      return at === undefined ? undefined : at / 1000;
    });
    counter('failures', () => status()?.failures);
    counter('repairs', () => status()?.repairs);
    gauge('sets', () => ruleset()?.sets.size);
    gauge('chains', () => ruleset()?.chains.size);
    gauge('rules', () => sum(ruleset()?.chains.values(), ({ rules }) => rules.length));
    gauge('elements', () => sum(ruleset()?.sets.values(), ({ elements }) => elements.size));
    counter('restarts', () => sources.source?.()?.restarts);
    counter('received', () => sources.source?.()?.receivedBytes);
    gauge('memory', () => process.memoryUsage.rss());
    counter('cpu', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    });
    gauge('lag', () => {
      const longest = this.#delay.max;
      this.#delay.reset();
      return longest / 1e9;
    });
  }

  #definePolicyCounters(): void {
    const packets = (): Promise<Packets> => this.#packets();
    for (const [key, verdict] of [
      ['allowed', 'allow'],
      ['denied', 'deny'],
      ['wouldAllow', 'wouldAllow'],
      ['wouldDeny', 'wouldDeny'],
    ] as const) {
      const [name, help] = metricNames[key];
      new Counter({
        name,
        help,
        labelNames: ['direction', 'policy'],
        registers: [this.#registry],
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

  #packets(): Promise<Packets> {
    const now = performance.now();
    if (this.#read === undefined || now - this.#read.at > packetsKept)
      this.#read = { at: now, packets: this.#readPackets() };
    return this.#read.packets;
  }

  async #readPackets(): Promise<Packets> {
    const byLabels = (): Map<string, number> => new Map();
    const packets = { allow: byLabels(), deny: byLabels(), wouldAllow: byLabels(), wouldDeny: byLabels() };
    const { program, counters } = this.sources;
    if (program === undefined || counters === undefined) return packets;
    const counted = await counters();
    for (const [name, { verdict, direction, policies }] of policyCounters(program())) {
      const value = counted.get(name);
      // Few of the names that a dry run may give are there.
      if (value === undefined && (verdict === 'wouldAllow' || verdict === 'wouldDeny')) continue;
      const found = packets[verdict];
      const full = `${direction} ${policies.join(',')}`;
      const key = found.has(full) || found.size < mostPolicySeries ? full : `${direction} (others)`;
      found.set(key, (found.get(key) ?? 0) + (value ?? 0));
    }
    return packets;
  }
}

const sum = <T>(items: Iterable<T> | undefined, size: (item: T) => number): number | undefined => {
  if (items === undefined) return undefined;
  let total = 0;
  for (const item of items) total += size(item);
  return total;
};
