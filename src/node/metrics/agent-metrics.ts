/** The agent's metrics for Prometheus. Values are read at each scrape; only events are counted as they happen. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { countElements, type Transaction } from '../../nftables/language/command.js';
import type { Nftables } from '../../nftables/language/nftables.js';
import type { AgentStatus } from '../control-socket.js';
import { defineAuditMetrics } from './audit-metrics.js';
import { defineMetric } from './define-metric.js';
import { defineLimitMetrics } from './limit-metrics.js';
import { metricNames, type MetricKey } from './metric-names.js';
import type { MetricSources } from './metric-sources.js';
import { definePolicyMetrics } from './policy-metrics.js';
import { defineStateMetrics } from './state-metrics.js';

/** In seconds. */
const programmingBuckets = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export class AgentMetrics implements Disposable {
  readonly sources: MetricSources = {};
  readonly #registry = new Registry();
  readonly #programmingDuration: Histogram;
  readonly #transactions: Counter;
  readonly #changedElements: Counter;
  readonly #failedReports: Counter;
  readonly #childRestarts: Counter;
  readonly #eventLoopDelay = monitorEventLoopDelay({ resolution: 20 });
  /** Of this scrape. */
  #status: AgentStatus | undefined;

  constructor() {
    const [name, help] = metricNames.applied;
    this.#programmingDuration = new Histogram({
      name,
      help,
      buckets: programmingBuckets,
      registers: [this.#registry],
    });
    this.#transactions = this.#counter('transactions', ['outcome']);
    this.#changedElements = this.#counter('changed');
    this.#failedReports = this.#counter('reportFailures', ['kind']);
    this.#childRestarts = this.#counter('childRestarts', ['child', 'reason']);
    defineStateMetrics(this.#registry, this.sources, () => this.#status);
    definePolicyMetrics(this.#registry, this.sources, () => performance.now());
    defineLimitMetrics(this.#registry, this.sources, () => this.#status);
    defineAuditMetrics(this.#registry, () => this.sources.audit?.());
    this.#defineEventLoopLag();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The text of a scrape. */
  text(): Promise<string> {
    this.#status = this.sources.status?.();
    return this.#registry.metrics();
  }

  /** A change is in force, so many milliseconds after it was noticed. */
  applied(milliseconds: number): void {
    this.#programmingDuration.observe(milliseconds / 1000);
  }

  reportFailed(kind: 'Event' | 'NodePolicyStatus'): void {
    this.#failedReports.inc({ kind });
  }

  childRestarted({ child, reason }: { readonly child: string; readonly reason: string }): void {
    this.#childRestarts.inc({ child, reason });
  }

  [Symbol.dispose](): void {
    this.#eventLoopDelay.disable();
  }

  /** @returns a client like `nft` that counts its transactions here */
  countTransactions(nft: Nftables): Nftables {
    const apply = async (transaction: Transaction, signal?: AbortSignal): Promise<void> => {
      try {
        await nft.apply(transaction, signal);
        this.#transactions.inc({ outcome: 'applied' });
        this.#changedElements.inc(countElements(transaction));
      } catch (error) {
        this.#transactions.inc({ outcome: 'failed' });
        throw error;
      }
    };
    return {
      apply,
      check: (transaction, signal) => nft.check(transaction, signal),
      list: (table, known) => nft.list(table, known),
      hookDevices: (table) => nft.hookDevices(table),
      close: () => nft.close(),
    };
  }

  #counter(key: MetricKey, labelNames: readonly string[] = []): Counter {
    const [name, help] = metricNames[key];
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #defineEventLoopLag(): void {
    const delay = this.#eventLoopDelay;
    defineMetric(this.#registry, 'lag', Gauge, () => {
      const { max } = delay;
      delay.reset();
      return max / 1e9;
    });
    delay.enable();
  }
}
