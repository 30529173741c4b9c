import type { PacketListener } from '../../audit/audit-log-parts.js';
import type { Listeners } from '../../cluster/listeners.js';
import type { AgentParts, Report } from '../../node/agent.js';
import type { AgentMetrics } from '../../node/metrics/agent-metrics.js';
import { DenialEvents } from '../../node/reports/denial-events.js';
import { ConditionEvents, type EventWriterParts } from '../../node/reports/condition-events.js';
import type { ReportParts } from '../../node/reports/rate-limited-task.js';
import { NodePolicyStatusReport } from '../../node/reports/node-policy-status-report.js';
import { idlePolicies, eventConditions } from '../../node/reports/event-conditions.js';
import { InputError } from '../../generic/input-error.js';
import { systemClock } from '../../reconciler/clock.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import { choiceOf } from '../common/options.js';
import type { SourceFlags } from './source.js';

export interface ReportFlags extends SourceFlags {
  readonly node: string;
  readonly nodePolicyStatus: 'on' | 'off';
  readonly clusterEvents: 'on' | 'off';
  readonly denialEvents: 'on' | 'off';
}

interface ReportWiring {
  /** Every packet that the audit log tells of. */
  readonly packetListeners: Listeners<Parameters<PacketListener>>;
  readonly metrics: AgentMetrics | undefined;
  readonly log: ReconcilerLog;
}

/** What the agent writes to the API server; undefined when it is to write nothing. @throws InputError */
export function reportsOf(flags: ReportFlags, { metrics, log, packetListeners }: ReportWiring): AgentParts['reports'] {
  const [status, events] = [flags.nodePolicyStatus === 'on', flags.clusterEvents === 'on'];
  const denied = flags.denialEvents === 'on';
  if (!status && !events && !denied) return undefined;
  if (flags.manifests !== undefined)
    throw new InputError(
      '--node-policy-status, --cluster-events and --denial-events write to an API server; --manifests has none',
    );
  return async ({ reconciler, cluster, disposables: resources }) => {
    const { ReportWriter } = await import('../../cluster/api-server/report-writer.js');
    const writer = resources.use(await ReportWriter.open(choiceOf(flags)));
    const partsOf = (kind: 'Event' | 'NodePolicyStatus'): ReportParts => ({
      clock: systemClock,
      log,
      onFailure: () => metrics?.reportFailed(kind),
    });
    const eventWriting: EventWriterParts = {
      ...partsOf('Event'),
      write: (event, signal) => writer.writeEvent(event, flags, signal),
    };
    if (denied) {
      const denialReport = resources.use(new DenialEvents(eventWriting));
      resources.use(packetListeners.add((told) => denialReport.denied(...told)));
    }
    const reports: Report[] = [];
    if (status)
      reports.push(
        new NodePolicyStatusReport({
          ...partsOf('NodePolicyStatus'),
          reconciler,
          write: (one, signal) => writer.writeStatus(flags.node, one, signal),
        }),
      );
    if (events)
      reports.push(
        new ConditionEvents({
          ...eventWriting,
          conditions: () => eventConditions(reconciler.status()),
          idlePolicies: () => idlePolicies(cluster.snapshot()),
        }),
      );
    return reports;
  };
}
