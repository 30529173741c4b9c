import type { AgentParts } from '../node/agent.js';
import type { AgentMetrics } from '../node/metrics.js';
import { EventReport } from '../node/reports/event-report.js';
import { StatusReport } from '../node/reports/status-report.js';
import { idlePolicies, troublesOf } from '../node/reports/troubles.js';
import { InputError } from '../cluster/types.js';
import { systemClock } from '../reconciler/clock.js';
import type { ReconcilerLog } from '../reconciler/types.js';
import { choiceOf } from './options.js';
import type { SourceFlags } from './source.js';

export interface ReportFlags extends SourceFlags {
  readonly node: string;
  readonly nodePolicyStatus: 'on' | 'off';
  readonly clusterEvents: 'on' | 'off';
}

interface ReportParts {
  readonly metrics: AgentMetrics | undefined;
  readonly log: ReconcilerLog;
}

/** What the agent writes to the API server; undefined when it is to write nothing. @throws InputError */
export function reportsOf(flags: ReportFlags, { metrics, log }: ReportParts): AgentParts['reports'] {
  const [status, events] = [flags.nodePolicyStatus === 'on', flags.clusterEvents === 'on'];
  if (!status && !events) return undefined;
  if (flags.manifests !== undefined)
    throw new InputError('--node-policy-status and --cluster-events write to an API server; --manifests has none');
  return async ({ reconciler, cluster, resources }) => {
    const { ReportWriter } = await import('../cluster/api-server/report-writer.js');
    const writer = resources.use(await ReportWriter.open(choiceOf(flags)));
    const common = { clock: systemClock, log };
    const statusReport = new StatusReport({
      ...common,
      reconciler,
      write: (one, signal) => writer.writeStatus(flags.node, one, signal),
      onFailure: () => metrics?.reportFailed('NodePolicyStatus'),
    });
    const eventReport = new EventReport({
      ...common,
      troubles: () => troublesOf(reconciler.status()),
      idle: () => idlePolicies(cluster.snapshot()),
      write: (event, signal) => writer.writeEvent(event, flags, signal),
      onFailure: () => metrics?.reportFailed('Event'),
    });
    return [...(status ? [statusReport] : []), ...(events ? [eventReport] : [])];
  };
}
