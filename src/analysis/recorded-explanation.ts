/** Why a recorded flow met its verdict, or would meet another: `explain`, asked about what is known of its endpoints. */
import type { DryRunScope } from '../model/policy-mode.js';
import { policyKey, type AnyPolicy } from '../model/policy.js';
import type { Namespace } from '../model/pod.js';
import { explain, type Explanation } from './explain.js';
import { Evaluator } from '../evaluation/evaluator.js';
import { compileWorkloads } from './compiled-workloads.js';
import { flowEndpointOf, type RecordedEndpoint, type RecordedFlow } from './recorded-flows.js';

/** None for a flow without ports: no question of `explain` is about it. */
export function explainRecorded(
  flow: RecordedFlow,
  policies: readonly AnyPolicy[],
  dryRun: DryRunScope = 'annotated',
): Explanation | undefined {
  if (flow.port === undefined) return undefined;
  const from = flowEndpointOf(flow.source, titleOf(flow.source));
  const to =
    titleOf(flow.source) === titleOf(flow.destination)
      ? from
      : flowEndpointOf(flow.destination, titleOf(flow.destination));
  const workloads = [...new Set([from, to])].flatMap((endpoint) =>
    endpoint.kind === 'workload' ? [endpoint.workload] : [],
  );
  const namespaces = [flow.source, flow.destination].flatMap(namespaceOf);
  const blocks = { ipBlocks: 'cluster', podCidrs: [] } as const;
  const input = {
    evaluator: new Evaluator(compileWorkloads(workloads, { policies, namespaces }, dryRun), blocks),
    policies: new Map(policies.map((policy) => [policyKey(policy.ref), policy])),
    namespaces: new Map(namespaces.map((namespace) => [namespace.name, namespace])),
    ipBlocks: blocks.ipBlocks,
  };
  return explain(input, { from, to, port: flow.port }).find(({ answer }) => answer.over === flow.family);
}

const titleOf = (endpoint: RecordedEndpoint): string => (endpoint.kind === 'pod' ? endpoint.title : endpoint.address);

const namespaceOf = (endpoint: RecordedEndpoint): Namespace[] =>
  endpoint.kind === 'address'
    ? []
    : [{ name: endpoint.identity.namespace, labels: endpoint.identity.namespaceLabels, annotations: {} }];
