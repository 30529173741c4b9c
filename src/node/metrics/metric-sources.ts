import type { SourceTraffic } from '../../cluster/types.js';
import type { Ruleset } from '../../nftables/language/types.js';
import type { AgentStatus } from '../control-socket.js';
import type { AuditNumbers } from './audit-metrics.js';
import type { PolicyPackets } from './policy-packets.js';

/** Where the metrics read their values; each source is set once that part of the agent runs. */
export interface MetricSources {
  status?: () => AgentStatus;
  /** By name, policyMemory among them. */
  limits?: () => Readonly<Record<string, number>>;
  ruleset?: () => Ruleset;
  /** Absent where no packets are counted by policy. */
  policyPackets?: Pick<PolicyPackets, 'read' | 'series'>;
  /** Undefined where conntrack is not loaded. */
  conntrack?: () => { readonly entries: number; readonly limit: number } | undefined;
  source?: () => SourceTraffic | undefined;
  /** Undefined while there is no audit log. */
  audit?: () => AuditNumbers | undefined;
}
