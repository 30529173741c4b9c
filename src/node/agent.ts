/**
 * The agent as a process: lock, control socket, state file, and the order in which things start and end. What it runs
 * comes from cli/, which builds the real parts.
 */
import type { ClusterSource } from '../cluster/types.js';
import type { Reconciler } from '../reconciler/reconciler.js';
import type { ReconcilerLog } from '../reconciler/types.js';
import type { SyncedCluster } from '../cluster/types.js';
import { serveControl, type AgentStatus } from './control-socket.js';
import { acquireLock } from './agent-lock.js';
import type { AgentMetrics } from './metrics/agent-metrics.js';
import type { MonitoringServer } from './monitoring-server.js';
import { StartupHeap } from './heap.js';
import { Disposables } from './disposables.js';
import { StateFile } from './state/state-file.js';

export interface AgentOptions {
  readonly node: string;
  readonly stateDir: string;
  readonly version: string;
  readonly pid: number;
}

export interface AgentParts {
  /** Health and metrics, served from the beginning; absent when nobody asks. */
  readonly monitoring?: { readonly server: MonitoringServer; readonly metrics: AgentMetrics };
  readonly source: ClusterSource;
  /** Opens the kernel and builds the loop over a cluster that has been read. */
  readonly startReconciler: (cluster: SyncedCluster, resources: Disposables) => Promise<Reconciler>;
  /** What the cluster's users are told of this node, for as long as the agent runs. */
  readonly reports?: (running: RunningAgent) => Promise<readonly Report[]>;
  readonly log: ReconcilerLog;
}

export interface RunningAgent {
  readonly reconciler: Reconciler;
  readonly cluster: SyncedCluster;
  readonly disposables: Disposables;
}

/** Told whenever the agent's state may have changed. */
export interface Report extends AsyncDisposable {
  changed(): void;
}

/** Runs until `signal` aborts; the rules stay. Rejects with what made a start impossible. */
export async function runAgent(parts: AgentParts, options: AgentOptions, stop: AbortController): Promise<void> {
  const { log } = parts;
  const { signal } = stop;
  await using resources = new Disposables();
  const { monitoring } = parts;
  if (monitoring !== undefined) {
    resources.use(monitoring.metrics);
    resources.use(monitoring.server);
  }
  // Read before anything is touched: a manifest that cannot be read must not cost a running agent its lock.
  const cluster = resources.use(await parts.source.sync(signal));
  resources.use(await acquireLock(() => log.info({}, 'waiting for lock'), signal));
  const reconciler = await parts.startReconciler(cluster, resources);
  const status = (): AgentStatus => ({
    agent: 'running',
    node: options.node,
    pid: options.pid,
    version: options.version,
    ...reconciler.status(),
  });
  const control = await serveControl(options.stateDir, { status, stop: () => (stop.abort(), { stopping: true }) });
  resources.use(control);
  const state = new StateFile(options.stateDir);
  const memory = resources.use(new StartupHeap());
  const save = (): void =>
    state.write(status(), (error) => log.error({ error: String(error) }, 'state file not written'));
  resources.defer(() => state.settled());
  if (monitoring !== undefined) {
    const { metrics, server } = monitoring;
    metrics.sources.status = status;
    metrics.sources.source = () => cluster.traffic?.();
    reconciler.onApplied((milliseconds) => metrics.applied(milliseconds));
    server.monitor({ status, busySince: () => reconciler.busySince });
  }
  const reports = (await parts.reports?.({ reconciler, cluster, disposables: resources })) ?? [];
  for (const report of reports) resources.use(report);
  reconciler.onSettled(() => {
    save();
    memory.settled();
    for (const report of reports) report.changed();
  });
  resources.use(cluster.onProblems(save));
  resources.use(reconciler);
  reconciler.start();
  await aborted(signal);
  log.info({}, 'stopping; the rules stay in force');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
