/** The agent's loop from its real parts. */
import { conntrackUse } from '../../kernel/conntrack/conntrack-use.js';
import { networkInterfaces } from 'node:os';
import { compile, Compiler } from '../../compiler/compiler.js';
import type { Restart } from '../../kernel/children/restart.js';
import { bridgeNetfilter } from '../../kernel/links/bridge-netfilter.js';
import { openLinks } from '../../kernel/links/links.js';
import { watchTables } from '../../kernel/table-events/watch-tables.js';
import { startElementWriter } from '../../kernel/elements/element-writer.js';
import { parseAddress, type Address } from '../../model/address.js';
import { openNftClient, type NftClient } from '../../kernel/nft/nft-client.js';
import type { AgentMetrics } from '../../node/metrics/agent-metrics.js';
import type { Disposables } from '../../node/disposables.js';
import { together } from '../../node/loop-observers.js';
import type { PolicyPackets } from '../../node/metrics/policy-packets.js';
import type { BridgeNetfilter } from '../../reconciler/bridge-watch.js';
import { BridgeSettingsFile } from '../../node/state/bridge-settings-file.js';
import { removeCheckpoint } from '../../node/state/checkpoint-file.js';
import { policyPacketsFile, removePolicyPackets } from '../../node/state/policy-packets-file.js';
import { render, Renderer } from '../../nftables/render/renderer.js';
import type { PolicyProgram } from '../../program/types.js';
import { systemClock } from '../../reconciler/clock.js';
import { Reconciler } from '../../reconciler/reconciler.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { messageOf } from '../../generic/message-of.js';
import type { SyncedCluster } from '../../cluster/types.js';
import type { PacketListener } from '../../audit/audit-log-parts.js';
import type { Listeners } from '../../cluster/listeners.js';
import type { AgentAudit } from '../../node/agent-audit.js';
import type { RecordTargets } from '../../node/record-output.js';
import type { AgentFlags } from './agent-options.js';
import { rotation, scanRotation } from './audit-options.js';
import { compilerOptions, policyLimitOptions, renderOptions, withoutEffect } from './ruleset-options.js';
import { warnOf } from '../common/options.js';
import { version } from '../common/version.js';
import { elementWorker } from '../with-nft-client.js';

/** Beside our own bundle. */
const nflogWorker = new URL('nflog-worker.js', import.meta.url);
const eventWorker = new URL('event-worker.js', import.meta.url);

/** Everything is read back this often even when no event reported a change. */
const readBackEvery = 60_000;

interface ReconcilerWiring {
  readonly packetListeners: Listeners<Parameters<PacketListener>>;
  readonly recordsTo: RecordTargets | undefined;
  readonly cluster: SyncedCluster;
  readonly log: ReconcilerLog;
  readonly disposables: Disposables;
  readonly metrics: AgentMetrics | undefined;
}

/** Builds the real parts and wires what wakes the loop: our tables touched by others, links that change. */
export async function buildReconciler(
  flags: AgentFlags,
  { cluster, log, disposables, metrics, packetListeners, recordsTo }: ReconcilerWiring,
): Promise<Reconciler> {
  const [forCompiler, forRenderer, limits] = [compilerOptions(flags), renderOptions(flags), policyLimitOptions(flags)];
  warnAtStart(flags, cluster, log);
  const elements = startElementWriter(elementWorker, (why) => log.warn({ why }, 'set elements go by nft'));
  disposables.defer(async () => elements[Symbol.asyncDispose]());
  const onNftEnd = (why: string): void => {
    log.warn({ why }, 'nft restarted');
    metrics?.childRestarted({ child: 'nft', reason: 'ended' });
  };
  const onRestart = (restart: Restart): void => {
    log.warn({ ...restart }, 'restarted; what it may have missed is read');
    metrics?.childRestarted(restart);
  };
  const client = await openNftClient({ onRestart: onNftEnd, elements });
  disposables.defer(() => client.close());
  const loop: { reconciler?: Pick<Reconciler, 'busySince'>; watch?: { readonly hearsAll: boolean } } = {};
  const isBusy = (): boolean => loop.reconciler?.busySince !== undefined;
  const audit = await auditOf(flags, { to: recordsTo, cluster, client, log, disposables, packetListeners, isBusy });
  const links = openLinks();
  const [compiler, renderer] = [new Compiler(forCompiler), new Renderer(forRenderer)];
  const isScraped = metrics !== undefined && flags.audit !== 'off';
  const wiring = { isScraped, program: () => compiler.program(), client, log, disposables };
  const policyPackets = await policyPacketsOf(flags, wiring);
  if (metrics !== undefined)
    Object.assign(metrics.sources, {
      limits: () => ({ ...limits.limits, policyMemory: limits.memory }),
      ruleset: () => renderer.ruleset(),
      ...(policyPackets === undefined ? {} : { policyPackets }),
      audit: () => audit?.running,
      conntrack: () => conntrackUse(),
    });
  const reconciler = new Reconciler(
    {
      cluster,
      compiler,
      renderer,
      render: (snapshot) => render(compile(snapshot, forCompiler), forRenderer),
      nftables: metrics?.countTransactions(client) ?? client,
      links,
      bridgeNetfilter: bridgesOf(flags, log),
      clock: systemClock,
      log,
      observer: together([audit, policyPackets].filter((one) => one !== undefined)),
    },
    {
      sourceGuard: flags.sourceGuard === 'on',
      tunnels: { morePorts: flags.tunnelPorts, allowedNamespaces: new Set(flags.allowPodTunnels) },
      mode: flags.mode,
      limits,
      readBackEvery,
      hearsCommits: () => loop.watch?.hearsAll === true,
      ...(forRenderer.audit === undefined ? {} : { audit: forRenderer.audit }),
    },
  );
  loop.reconciler = reconciler;
  loop.watch = disposables.use(
    await watchTables({
      client,
      worker: eventWorker,
      onForeignChange: (event) => reconciler.drift(event.process ?? event.text),
      onUnavailable: (why) => log.warn({ why }, 'changes by others are followed by nft monitor'),
      onRestart,
    }),
  );
  disposables.use(links.watch(() => reconciler.linksChanged(), onRestart));
  return reconciler;
}

interface AuditWiring extends Pick<ReconcilerWiring, 'cluster' | 'log' | 'disposables' | 'packetListeners'> {
  readonly to: RecordTargets | undefined;
  readonly client: NftClient;
  /** Rules are being changed: records wait. */
  readonly isBusy: () => boolean;
}

/** Loaded only when there are records: it is memory. */
async function auditOf(
  flags: AgentFlags,
  { to, cluster, client, log, disposables, packetListeners, isBusy }: AuditWiring,
): Promise<AgentAudit | undefined> {
  const { node, stateDir } = flags;
  if (to === undefined) {
    // Denials while nothing is recorded are not losses of a log.
    await leftBehind(removeCheckpoint(stateDir), log);
    return undefined;
  }
  const { AgentAudit } = await import('../../node/agent-audit.js');
  const { openNflog } = await import('../../kernel/nflog/nflog-reader.js');
  const onPacket: PacketListener = (...packet) => packetListeners.notify(packet);
  return disposables.use(
    new AgentAudit({
      to,
      mode: flags.mode,
      rotation: rotation(flags),
      scanRotation: scanRotation(flags),
      senderRate: flags.auditSenderRate,
      stdout: process.stdout,
      readCounters: () => client.counters(),
      onAddressNotFound: () => cluster.addressNotFound?.(),
      openReader: (onBatch, onFailure) =>
        openNflog({ group: flags.auditGroup, worker: nflogWorker, onBatch, isBusy, onFailure }),
      now: Date.now,
      ownAddresses,
      log,
      node,
      clusterUid: cluster.uid?.(),
      stateDir,
      version,
      onPacket,
    }),
  );
}

interface PolicyPacketsWiring extends Pick<ReconcilerWiring, 'log' | 'disposables'> {
  readonly isScraped: boolean;
  readonly program: () => PolicyProgram;
  readonly client: NftClient;
}

/** Loaded only with metrics, as they are. */
async function policyPacketsOf(
  { stateDir }: AgentFlags,
  { isScraped, program, client, log, disposables }: PolicyPacketsWiring,
): Promise<PolicyPackets | undefined> {
  if (!isScraped) {
    // Counters that nobody follows meanwhile cannot be compared with old readings.
    await leftBehind(removePolicyPackets(stateDir), log);
    return undefined;
  }
  const { PolicyPackets } = await import('../../node/metrics/policy-packets.js');
  const file = policyPacketsFile(stateDir);
  return disposables.use(await PolicyPackets.start({ program, readCounters: () => client.counters(), file, log }));
}

/** What is set is noted, so that an uninstall can put it back. */
function bridgesOf({ bridgeNetfilter: mode, sysctlDir, stateDir }: AgentFlags, log: ReconcilerLog): BridgeNetfilter {
  const folder = `${sysctlDir}/bridge`;
  const file = new BridgeSettingsFile(stateDir, folder);
  return (onSet) =>
    bridgeNetfilter(mode, folder, (setting) => {
      onSet(setting);
      file
        .add(setting)
        .catch((error: unknown) => log.warn({ error: messageOf(error), setting }, 'an uninstall will not put it back'));
    });
}

/** A state folder that cannot be written keeps nobody from enforcing. */
const leftBehind = (removal: Promise<void>, log: ReconcilerLog): Promise<void> =>
  removal.catch((error: unknown) => log.warn({ error: messageOf(error) }, 'cannot remove a file of the state folder'));

const ownAddresses = (): readonly Address[] =>
  Object.values(networkInterfaces()).flatMap((interfaces = []) =>
    interfaces.flatMap(({ address }) => parseAddress(address) ?? []),
  );

function warnAtStart(flags: AgentFlags, cluster: SyncedCluster, log: ReconcilerLog): void {
  for (const problem of cluster.problems()) log.warn({ problem: warnOf(problem) }, 'input');
  for (const text of withoutEffect(flags, cluster.snapshot())) log.warn({ node: flags.node }, text);
}
