/** What the loop is built from. */
import type { Compiler } from '../compiler/compiler.js';
import type { SyncedCluster } from '../cluster/types.js';
import type { ClusterSnapshot } from '../model/cluster.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { AuditRules } from '../nftables/render/log-rules.js';
import type { Renderer } from '../nftables/render/renderer.js';
import type { Nftables } from '../nftables/language/nftables.js';
import type { Ruleset } from '../nftables/language/types.js';
import type { Clock } from './clock.js';
import type { BridgeNetfilter } from './bridge-watch.js';
import type { LinkReader, TunnelOptions } from './guard-table.js';
import type { PolicyLimitOptions } from './policy-limits.js';
import type { LoopObserver, ReconcilerLog } from './types.js';

export interface ReconcilerParts {
  readonly cluster: SyncedCluster;
  readonly compiler: Compiler;
  readonly renderer: Renderer;
  /** The whole ruleset of a cluster from scratch: finds the policy whose rules the kernel refuses. */
  readonly render: (snapshot: ClusterSnapshot) => Ruleset;
  readonly nftables: Nftables;
  readonly links: LinkReader;
  readonly bridgeNetfilter: BridgeNetfilter;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
  readonly observer?: LoopObserver;
}

export interface ReconcilerOptions {
  readonly sourceGuard: boolean;
  /** UDP ports of tunnels beside those of this node's links, and namespaces whose pods may tunnel to nodes. */
  readonly tunnels?: Pick<TunnelOptions, 'morePorts' | 'allowedNamespaces'>;
  /** How guards log what they drop; the renderer has its own. */
  readonly audit?: AuditRules;
  /** `dry-run`: all policies are in a dry run. */
  readonly mode?: PolicyMode;
  /** Absent: the standard ones, for all nodes. */
  readonly limits?: PolicyLimitOptions;
  /** How often everything is read back although no event reported a change, in milliseconds. */
  readonly readBackEvery: number;
  /** Whether every commit to the table has been heard since the last reading: then there is nothing to read. */
  readonly hearsCommits?: () => boolean;
}
