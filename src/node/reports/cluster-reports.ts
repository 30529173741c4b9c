import type { PacketListener } from '../../audit/audit-log-parts.js';
import type { Listeners } from '../../cluster/listeners.js';
import type { AgentParts, Report } from '../agent.js';
import type { AgentMetrics } from '../metrics/agent-metrics.js';
import { DenialEvents } from './denial-events.js';
import { ConditionEvents, type EventWriterParts } from './condition-events.js';
import type { ReportParts } from './rate-limited-task.js';
import { NodePolicyStatusReport } from './node-policy-status-report.js';
import { OwnNode } from './own-node.js';
import { idlePolicies, eventConditions } from './event-conditions.js';
import { systemClock } from '../../reconciler/clock.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import type { ConnectionChoice } from '../../cluster/api-server/kube-config.js';

/** What the agent writes to the API server. */
export interface ClusterReportOptions {
  readonly node: string;
  readonly connection: ConnectionChoice;
  readonly nodePolicyStatus: boolean;
  readonly policyEvents: boolean;
  readonly denialEvents: boolean;
}

interface ClusterReportParts {
  /** Every packet that the audit log records. */
  readonly packetListeners: Listeners<Parameters<PacketListener>>;
  readonly metrics: AgentMetrics | undefined;
  readonly log: ReconcilerLog;
}

export const clusterReports =
  (
    { node, connection, nodePolicyStatus, policyEvents, denialEvents }: ClusterReportOptions,
    { metrics, log, packetListeners }: ClusterReportParts,
  ): NonNullable<AgentParts['reports']> =>
  async ({ reconciler, cluster, disposables }) => {
    const { ReportWriter } = await import('../../cluster/api-server/report-writer.js');
    const writer = disposables.use(await ReportWriter.open(connection));
    const partsOf = (kind: 'Event' | 'NodePolicyStatus'): ReportParts => ({
      clock: systemClock,
      log,
      onFailure: () => metrics?.reportFailed(kind),
    });
    const eventParts: EventWriterParts = {
      ...partsOf('Event'),
      write: (event, signal) => writer.writeEvent(event, { node }, signal),
    };
    if (denialEvents) {
      const denials = disposables.use(new DenialEvents(eventParts));
      disposables.use(packetListeners.add((packet) => denials.denied(...packet)));
    }
    const reports: Report[] = [];
    if (nodePolicyStatus) {
      const owner = disposables.use(new OwnNode(cluster, node));
      reports.push(
        new NodePolicyStatusReport({
          ...partsOf('NodePolicyStatus'),
          reconciler,
          write: async (one, signal) => writer.writeStatus(owner.identity(), one, signal),
        }),
      );
    }
    if (policyEvents)
      reports.push(
        new ConditionEvents({
          ...eventParts,
          conditions: () => eventConditions(reconciler.status()),
          idlePolicies: () => idlePolicies(cluster.snapshot()),
        }),
      );
    return reports;
  };
