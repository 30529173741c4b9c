/** Flags of what the agent writes to the API server. */
import { InputError } from '../../generic/input-error.js';
import type { ClusterReportOptions } from '../../node/reports/cluster-reports.js';
import { choiceOf } from '../common/options.js';
import type { SourceFlags } from './source.js';

export interface ReportFlags extends SourceFlags {
  readonly node: string;
  readonly nodePolicyStatus: 'on' | 'off';
  readonly clusterEvents: 'on' | 'off';
  readonly denialEvents: 'on' | 'off';
}

/** Undefined when the agent writes nothing. @throws InputError */
export function reportOptions(flags: ReportFlags): ClusterReportOptions | undefined {
  const [nodePolicyStatus, policyEvents] = [flags.nodePolicyStatus === 'on', flags.clusterEvents === 'on'];
  const denialEvents = flags.denialEvents === 'on';
  if (!nodePolicyStatus && !policyEvents && !denialEvents) return undefined;
  if (flags.manifests !== undefined)
    throw new InputError(
      '--node-policy-status, --cluster-events and --denial-events write to an API server; --manifests has none',
    );
  return { node: flags.node, connection: choiceOf(flags), nodePolicyStatus, policyEvents, denialEvents };
}
