import type { PacketListener } from '../../audit/audit-log-parts.js';
import type { Listeners } from '../../cluster/listeners.js';
import type { AgentParts, Report } from '../agent.js';
import type { AgentMetrics } from '../metrics.js';
import { DenialReport } from './denial-report.js';
import { EventReport, type EventWriting } from './event-report.js';
import type { ReportParts } from './pace.js';
import { StatusReport } from './status-report.js';
import { idlePolicies, troublesOf } from './troubles.js';
import { systemClock } from '../../reconciler/clock.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import type { ConnectionChoice } from '../../cluster/api-server/connection.js';

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
  async ({ reconciler, cluster, resources }) => {
    const { ReportWriter } = await import('../../cluster/api-server/report-writer.js');
    const writer = resources.use(await ReportWriter.open(connection));
    const partsOf = (kind: 'Event' | 'NodePolicyStatus'): ReportParts => ({
      clock: systemClock,
      log,
      onFailure: () => metrics?.reportFailed(kind),
    });
    const eventWriting: EventWriting = {
      ...partsOf('Event'),
      write: (event, signal) => writer.writeEvent(event, { node }, signal),
    };
    if (denialEvents) {
      const denialReport = resources.use(new DenialReport(eventWriting));
      resources.use(packetListeners.add((told) => denialReport.denied(...told)));
    }
    const reports: Report[] = [];
    if (nodePolicyStatus)
      reports.push(
        new StatusReport({
          ...partsOf('NodePolicyStatus'),
          reconciler,
          write: (one, signal) => writer.writeStatus(node, one, signal),
        }),
      );
    if (policyEvents)
      reports.push(
        new EventReport({
          ...eventWriting,
          troubles: () => troublesOf(reconciler.status()),
          idle: () => idlePolicies(cluster.snapshot()),
        }),
      );
    return reports;
  };
