/**
 * The agent as a process: lock, control socket, state file, and the order in which its parts start and end. cli/ builds
 * those parts.
 */
import type { ClusterSource } from '../cluster/types.js';
import type { Reconciler } from '../reconciler/reconciler.js';
import type { ReconcilerLog } from '../reconciler/types.js';
import type { SyncedCluster } from '../cluster/types.js';
import { agentAnswers, serveControl, type AgentStatus } from './control-socket.js';
import { systemClock } from '../reconciler/clock.js';
import { acquireLock } from './agent-lock.js';
import type { AgentMetrics } from './metrics/agent-metrics.js';
import type { MonitoringServer } from './monitoring-server.js';
import { StartupHeap } from './heap.js';
import { Disposables } from './disposables.js';
import { StateFile } from './state/state-file.js';

interface AgentOptions {
  readonly node: string;
  readonly stateDir: string;
  readonly version: string;
  readonly pid: number;
}

export interface AgentParts {
  /** Health and metrics, served from the start; absent with --metrics-address=off. */
  readonly monitoring?: { readonly server: MonitoringServer; readonly metrics: AgentMetrics };
  readonly source: ClusterSource;
  /** Opens the nft client and builds the loop over a cluster that has been read. */
  readonly startReconciler: (cluster: SyncedCluster, disposables: Disposables) => Promise<Reconciler>;
  /** What the agent writes to the API server about this node while it runs. */
  readonly reports?: (running: RunningAgent) => Promise<readonly Report[]>;
  readonly log: ReconcilerLog;
}

interface RunningAgent {
  readonly reconciler: Reconciler;
  readonly cluster: SyncedCluster;
  readonly disposables: Disposables;
}

export interface Report extends AsyncDisposable {
  /** The agent's state may have changed. */
  changed(): void;
}

/** Runs until `stop` is aborted; the rules stay. Rejects with the error that prevented a start. */
export async function runAgent(parts: AgentParts, options: AgentOptions, stop: AbortController): Promise<void> {
  const { log } = parts;
  const { signal } = stop;
  await using disposables = new Disposables();
  const { monitoring } = parts;
  if (monitoring !== undefined) {
    disposables.use(monitoring.metrics);
    disposables.use(monitoring.server);
  }
  // Read before anything is touched: a manifest that cannot be read must not cost a running agent its lock.
  const cluster = disposables.use(await parts.source.sync(signal));
  const lockEvents = {
    onWait: () => log.info({}, 'waiting for lock'),
    onPassedOver: () => log.warn({}, 'a process that is no agent holds the socket of the lock: passed over'),
    answers: () => agentAnswers(options.stateDir),
  };
  disposables.use(await acquireLock(lockEvents, signal));
  const reconciler = await parts.startReconciler(cluster, disposables);
  const status = (): AgentStatus => ({
    agent: 'running',
    node: options.node,
    pid: options.pid,
    version: options.version,
    ...reconciler.status(),
  });
  const handlers = { status, stop: () => (stop.abort(), { stopping: true }) };
  disposables.use(await serveControl(options.stateDir, handlers, { clock: systemClock, log }));
  const state = new StateFile(options.stateDir, log);
  const startupHeap = disposables.use(new StartupHeap());
  const save = (): void => state.write(status);
  disposables.defer(() => state.settled());
  if (monitoring !== undefined) {
    const { metrics, server } = monitoring;
    metrics.sources.status = status;
    metrics.sources.source = () => cluster.traffic?.();
    reconciler.onApplied((milliseconds) => metrics.applied(milliseconds));
    server.monitor({ status, busySince: () => reconciler.busySince });
  }
  const reports = (await parts.reports?.({ reconciler, cluster, disposables })) ?? [];
  for (const report of reports) disposables.use(report);
  reconciler.onSettled(() => {
    save();
    startupHeap.settled();
    for (const report of reports) report.changed();
  });
  disposables.use(cluster.onProblems(save));
  disposables.use(reconciler);
  reconciler.start();
  await aborted(signal);
  log.info({}, 'stopping; the rules stay in force');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
