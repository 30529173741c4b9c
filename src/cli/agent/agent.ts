import { mkdir } from 'node:fs/promises';
import { Command } from 'commander';
import { compile, Compiler, type CompilerOptions } from '../../compiler/compiler.js';
import { bridgeNetfilter } from '../../kernel/links/bridge-netfilter.js';
import { openLinks } from '../../kernel/links/links.js';
import { watchTables } from '../../kernel/nft/nft-monitor.js';
import { openNftClient, type NftClient } from '../../kernel/nft/nft-client.js';
import { runAgent, type AgentParts } from '../../node/agent.js';
import type { AgentMetrics } from '../../node/metrics/agent-metrics.js';
import { MonitoringServer, parseMonitoringAddress } from '../../node/monitoring-server.js';
import { preferSmallHeap } from '../../node/heap.js';
import type { Disposables } from '../../node/disposables.js';
import { removeCheckpoint } from '../../node/state/checkpoint-file.js';
import { render, Renderer, type RenderOptions } from '../../nftables/render/renderer.js';
import { systemClock } from '../../reconciler/clock.js';
import { Reconciler } from '../../reconciler/reconciler.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { CniResults } from '../../cluster/cni-results.js';
import { EarlyAddressesSource } from '../../cluster/early-addresses.js';
import type { ClusterSource, SyncedCluster } from '../../cluster/types.js';
import type { PacketListener } from '../../audit/audit-log-parts.js';
import { Listeners } from '../../cluster/listeners.js';
import type { AgentAudit } from '../../node/agent-audit.js';
import type { RecordTargets } from '../../node/record-output.js';
import { withAgentOptions, type AgentFlags } from './agent-options.js';
import { auditRules, recordsGoTo, rotation } from './audit-options.js';
import { createLog } from '../../node/log.js';
import { warnOf } from '../common/options.js';
import { clusterReports } from '../../node/reports/cluster-reports.js';
import { reportOptions } from './report-options.js';
import { sourceOf } from './source.js';
import { version } from '../common/version.js';

/** Beside our own bundle. */
const nflogWorker = new URL('nflog-worker.js', import.meta.url);

/** Everything is read back this often even when no event reported a change. */
const readBackEvery = 60_000;

const examples = `
Examples:
  podwall agent --manifests policies-examples/ --node n1
  podwall agent --manifests policies-examples/ --node n1 --audit-log /var/log/podwall/audit.jsonl`;

export const agentCommand = (): Command =>
  withAgentOptions(new Command('agent'))
    .description('enforce the policies of a cluster on this node, and keep them enforced')
    .addHelpText('after', examples)
    .action(run);

async function run(flags: AgentFlags): Promise<void> {
  preferSmallHeap();
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
    startReconciler: (cluster, resources) =>
      build(flags, { cluster, log, resources, packetListeners, recordsTo, metrics: monitoring?.metrics }),
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

interface BuildParts {
  readonly packetListeners: Listeners<Parameters<PacketListener>>;
  readonly recordsTo: RecordTargets | undefined;
  readonly cluster: SyncedCluster;
  readonly log: ReconcilerLog;
  readonly resources: Disposables;
  readonly metrics: AgentMetrics | undefined;
}

/** Loaded only when somebody may ask: it is memory. */
async function monitoringOf(flags: AgentFlags, log: ReconcilerLog): Promise<AgentParts['monitoring']> {
  const address = parseMonitoringAddress(flags.metricsAddress);
  if (address === undefined) return undefined;
  const { AgentMetrics } = await import('../../node/metrics/agent-metrics.js');
  const metrics = new AgentMetrics();
  const { contentType } = metrics;
  return { metrics, server: new MonitoringServer({ address, log, contentType, metrics: () => metrics.text() }) };
}

/** Builds the real parts and wires what wakes the loop: our tables touched by others, links that change. */
async function build(
  flags: AgentFlags,
  { cluster, log, resources, metrics, packetListeners, recordsTo }: BuildParts,
): Promise<Reconciler> {
  const options: CompilerOptions = {
    scope: { node: flags.node },
    unknownPods: flags.unknownPods,
    podCidrs: flags.podCidrs,
    ...(flags.mode === 'dry-run' ? { dryRun: 'all' } : {}),
  };
  const logging = recordsTo === undefined ? {} : { audit: auditRules(flags) };
  const renderOptions: RenderOptions = { established: flags.established, mode: flags.mode, ...logging };
  warnAtStart(flags, cluster, log);
  const client = await openNftClient({ onRestart: (why) => log.warn({ why }, 'nft restarted') });
  resources.defer(() => client.close());
  const audit = await auditOf(flags, { to: recordsTo, cluster, client, log, resources, packetListeners });
  const links = openLinks();
  const [compiler, renderer] = [new Compiler(options), new Renderer(renderOptions)];
  if (metrics !== undefined)
    Object.assign(metrics.sources, {
      program: () => compiler.program(),
      ruleset: () => renderer.ruleset(),
      ...(flags.audit === 'off' ? {} : { counters: () => client.counters() }),
      audit: () => audit?.running,
    });
  const reconciler = new Reconciler(
    {
      cluster,
      compiler,
      renderer,
      render: (snapshot) => render(compile(snapshot, options), renderOptions),
      nftables: metrics?.countTransactions(client) ?? client,
      links,
      bridgeNetfilter: () => bridgeNetfilter(flags.bridgeNetfilter, `${flags.sysctlDir}/bridge`),
      clock: systemClock,
      log,
      ...(audit === undefined ? {} : { observer: audit }),
    },
    { sourceGuard: flags.sourceGuard === 'on', mode: flags.mode, readBackEvery, ...logging },
  );
  resources.use(
    watchTables({ client: client, onForeignChange: (event) => reconciler.drift(event.process ?? event.text) }),
  );
  resources.use(links.watch(() => reconciler.linksChanged()));
  return reconciler;
}

interface AuditWiring extends Pick<BuildParts, 'cluster' | 'log' | 'resources' | 'packetListeners'> {
  readonly to: RecordTargets | undefined;
  readonly client: NftClient;
}

/** Loaded only when there are records: it is memory. */
async function auditOf(
  flags: AgentFlags,
  { to, cluster, client, log, resources, packetListeners }: AuditWiring,
): Promise<AgentAudit | undefined> {
  const { node, stateDir } = flags;
  await mkdir(stateDir, { recursive: true });
  if (to === undefined) {
    // Denials while nothing is recorded are not losses of a log.
    await removeCheckpoint(stateDir);
    return undefined;
  }
  const { AgentAudit } = await import('../../node/agent-audit.js');
  const { openNflog } = await import('../../kernel/nflog/nflog-reader.js');
  const onPacket: PacketListener = (...packet) => packetListeners.notify(packet);
  return resources.use(
    new AgentAudit({
      to,
      mode: flags.mode,
      rotation: rotation(flags),
      stdout: process.stdout,
      readCounters: () => client.counters(),
      openReader: (onBatch, onFailure) =>
        openNflog({ group: flags.auditGroup, worker: nflogWorker, onBatch, onFailure }),
      now: Date.now,
      log,
      node,
      clusterUid: cluster.uid?.(),
      stateDir,
      version,
      onPacket,
    }),
  );
}

function warnAtStart(flags: AgentFlags, cluster: SyncedCluster, log: ReconcilerLog): void {
  for (const problem of cluster.problems()) log.warn({ problem: warnOf(problem) }, 'input');
  const node = cluster.snapshot().nodes.find(({ name }) => name === flags.node);
  if (flags.unknownPods === 'deny' && flags.podCidrs.length === 0 && (node?.podCidrs.length ?? 0) === 0)
    log.warn(
      { node: flags.node },
      '--unknown-pods=deny has no effect: no pod CIDR of this node is known (--pod-cidrs)',
    );
}
