/** One policy set, asked about recorded flows: pods become known to it as flows name them. */
import type { ContentId } from '../audit/snapshots/content-id.js';
import { Compiler } from '../compiler/compiler.js';
import type { DryRunScope } from '../model/policy-mode.js';
import type { AnyPolicy, PolicyRef } from '../model/policy.js';
import type { RuleOrigin } from '../program/types.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { Evaluator } from '../evaluation/evaluator.js';
import { rulesAllowing } from '../evaluation/verdicts.js';
import { workloadAsPod } from './compiled-workloads.js';
import { flowEndpointOf, type RecordedEndpoint, type RecordedFlow } from './recorded-flows.js';

export interface RecordedVerdict {
  readonly allowed: boolean;
  /** None where no policy isolates. */
  readonly isolatedBy: readonly PolicyRef[];
  /** The first rule that allows. */
  readonly rule?: RuleOrigin;
}

/** Pods that are known at once; then it begins anew. */
const mostPods = 20_000;

export class RecordedFlowEvaluator {
  readonly #policies: readonly AnyPolicy[];
  readonly #dryRun: DryRunScope;
  #compiler: Compiler;
  readonly #endpoints = new Map<ContentId, FlowEndpoint>();
  /** A namespace's labels are those of the flows that were asked about; when they change, all else is asked anew. */
  readonly #namespaces = new Map<string, string>();
  #evaluator: Evaluator | undefined;

  /** @param dryRun `none` asks what a dry run would do */
  constructor(policies: readonly AnyPolicy[], dryRun: DryRunScope = 'annotated') {
    this.#policies = policies;
    this.#dryRun = dryRun;
    this.#compiler = this.#begin();
  }

  /** In the flow's own direction. */
  evaluate(flow: RecordedFlow): RecordedVerdict {
    this.#beginAnewWhere(flow);
    const [source, destination] = [this.#endpoint(flow.source), this.#endpoint(flow.destination)];
    this.#evaluator ??= new Evaluator(this.#compiler.program());
    const [own, peer] = flow.direction === 'egress' ? [source, destination] : [destination, source];
    const verdict = this.#evaluator.verdict(own, peer, flow);
    if (verdict.kind !== 'isolated') return { allowed: true, isolatedBy: [] };
    const [rule] = rulesAllowing(verdict.rules, flow.port ?? { protocol: 'other', number: 0 });
    return {
      allowed: rule !== undefined,
      isolatedBy: verdict.by,
      ...(rule === undefined ? {} : { rule: rule.origin }),
    };
  }

  #begin(): Compiler {
    this.#endpoints.clear();
    this.#namespaces.clear();
    this.#evaluator = undefined;
    const compiler = new Compiler({ scope: 'everywhere', dryRun: this.#dryRun });
    compiler.apply(this.#policies.map((policy) => ({ kind: 'policy', ref: policy.ref, policy })));
    return compiler;
  }

  #beginAnewWhere({ source, destination }: RecordedFlow): void {
    const contradicts = (endpoint: RecordedEndpoint): boolean => {
      if (endpoint.kind === 'address') return false;
      const known = this.#namespaces.get(endpoint.identity.namespace);
      return known !== undefined && known !== labelsOf(endpoint);
    };
    if (contradicts(source) || contradicts(destination) || this.#endpoints.size >= mostPods)
      this.#compiler = this.#begin();
  }

  #endpoint(recorded: RecordedEndpoint): FlowEndpoint {
    if (recorded.kind === 'address') return recorded;
    const known = this.#endpoints.get(recorded.id);
    if (known !== undefined) return known;
    const endpoint = flowEndpointOf(recorded, recorded.id);
    this.#endpoints.set(recorded.id, endpoint);
    const { namespace: name, namespaceLabels: labels } = recorded.identity;
    this.#namespaces.set(name, labelsOf(recorded));
    if (endpoint.kind === 'workload') {
      const pod = workloadAsPod(endpoint.workload);
      this.#compiler.apply([
        { kind: 'namespace', name, namespace: { name, labels, annotations: {} } },
        { kind: 'pod', ref: pod.ref, pod },
      ]);
    }
    this.#evaluator = undefined;
    return endpoint;
  }
}

const labelsOf = ({ identity }: Extract<RecordedEndpoint, { kind: 'pod' }>): string =>
  JSON.stringify(Object.entries(identity.namespaceLabels).sort());
