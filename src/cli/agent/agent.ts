import { Command } from 'commander';
import { runAgent, type AgentParts } from '../../node/agent.js';

import { MonitoringServer, parseMonitoringAddress } from '../../node/monitoring-server.js';
import { socketPath } from '../../node/control-socket.js';
import { preferSmallHeap } from '../../node/heap.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { CniResults } from '../../cluster/cni-results.js';
import { EarlyAddressesSource } from '../../cluster/early-addresses.js';
import type { ClusterSource } from '../../cluster/types.js';
import type { PacketListener } from '../../audit/audit-log-parts.js';
import { Listeners } from '../../cluster/listeners.js';
import { withAgentOptions, type AgentFlags } from './agent-options.js';
import { recordsGoTo } from './audit-options.js';
import { createLog } from '../../node/log.js';
import { clusterReports } from '../../node/reports/cluster-reports.js';
import { buildReconciler } from './reconciler-wiring.js';
import { reportOptions } from './report-options.js';
import { sourceOf } from './source.js';
import { version } from '../common/version.js';

const examples = `
Examples:
  podwall agent --manifests policies-examples/ --node n1
  podwall agent --manifests policies-examples/ --node n1 --audit-log /var/log/podwall/audit.jsonl`;

export const agentCommand = (): Command =>
  withAgentOptions(new Command('agent'))
    .summary('enforce policies on this node')
    .description('enforce the policies of a cluster on this node, and keep them enforced')
    .addHelpText('after', examples)
    .action(run);

async function run(flags: AgentFlags): Promise<void> {
  preferSmallHeap();
  // Before anything else happens: a path that no socket can have.
  socketPath(flags.stateDir);
  const recordsTo = recordsGoTo(flags);
  const log = createLog(flags.logFormat, flags.logLevel, process.stderr);
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort());
  const source = await nodeSource(flags, log);
  const monitoring = await monitoringOf(flags, log);
  const packetListeners = new Listeners<Parameters<PacketListener>>();
  const reporting = reportOptions(flags);
  const parts: AgentParts = {
    ...(monitoring === undefined ? {} : { monitoring }),
    ...(reporting === undefined
      ? {}
      : { reports: clusterReports(reporting, { metrics: monitoring?.metrics, log, packetListeners }) }),
    source,
    log,
    startReconciler: (cluster, disposables) =>
      buildReconciler(flags, { cluster, log, disposables, packetListeners, recordsTo, metrics: monitoring?.metrics }),
  };
  await runAgent(parts, { node: flags.node, stateDir: flags.stateDir, version, pid: process.pid }, stop);
}

/** Manifests have a pod's addresses from the start; the API server learns them seconds after CNI has assigned them. */
async function nodeSource(flags: AgentFlags, log: ReconcilerLog): Promise<ClusterSource> {
  const source = sourceOf(flags, {
    debug: (message) => log.debug({}, message),
    error: (message) => log.error({}, message),
  });
  if (flags.manifests !== undefined || flags.cniCacheDir === 'off') return source;
  return new EarlyAddressesSource(source, { node: flags.node, results: await CniResults.open(flags.cniCacheDir) });
}

/** Loaded only when metrics are served: it is memory. */
async function monitoringOf(flags: AgentFlags, log: ReconcilerLog): Promise<AgentParts['monitoring']> {
  const address = parseMonitoringAddress(flags.metricsAddress);
  if (address === undefined) return undefined;
  const { AgentMetrics } = await import('../../node/metrics/agent-metrics.js');
  const metrics = new AgentMetrics();
  const { contentType } = metrics;
  return { metrics, server: new MonitoringServer({ address, log, contentType, metrics: () => metrics.text() }) };
}
