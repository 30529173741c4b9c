import type { SourceTraffic } from '../../cluster/types.js';
import type { Ruleset } from '../../nftables/language/types.js';
import type { PolicyProgram } from '../../program/types.js';
import type { AgentStatus } from '../control-socket.js';
import type { AuditNumbers } from './audit-metrics.js';

/** Where the metrics read their values; each source is set once that part of the agent runs. */
export interface MetricSources {
  status?: () => AgentStatus;
  /** By name, policyMemory among them. */
  limits?: () => Readonly<Record<string, number>>;
  program?: () => PolicyProgram;
  ruleset?: () => Ruleset;
  /** Packets by named counter, from the kernel. */
  counters?: () => Promise<ReadonlyMap<string, number>>;
  source?: () => SourceTraffic | undefined;
  /** Undefined while there is no audit log. */
  audit?: () => AuditNumbers | undefined;
}
