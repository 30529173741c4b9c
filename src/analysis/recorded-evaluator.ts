/** One policy set, asked about recorded flows: pods become known to it as flows name them. */
import type { ContentId } from '../audit/snapshots.js';
import { Compiler } from '../compiler/compiler.js';
import type { DryRun } from '../compiler/endpoints.js';
import type { AnyPolicy, PolicyRef } from '../model/policy.js';
import type { RuleOrigin } from '../program/types.js';
import type { FlowEndpoint } from '../evaluation/flow-endpoints.js';
import { Judge, type MatchingRule } from '../evaluation/evaluator.js';
import { hasPort } from '../evaluation/port-sets.js';
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
  readonly #dryRun: DryRun;
  #compiler: Compiler;
  readonly #ends = new Map<ContentId, FlowEndpoint>();
  /** A namespace's labels are those of the flows that were asked about; when they change, all else is asked anew. */
  readonly #namespaces = new Map<string, string>();
  #judge: Judge | undefined;

  /** @param dryRun `none` asks what a dry run would do */
  constructor(policies: readonly AnyPolicy[], dryRun: DryRun = 'annotated') {
    this.#policies = policies;
    this.#dryRun = dryRun;
    this.#compiler = this.#begin();
  }

  /** In the flow's own direction. */
  judge(flow: RecordedFlow): RecordedVerdict {
    this.#forgetWhere(flow);
    const [source, destination] = [this.#end(flow.source), this.#end(flow.destination)];
    this.#judge ??= new Judge(this.#compiler.program(), { ipBlocks: 'cluster', podCidrs: [] });
    const [own, peer] = flow.direction === 'egress' ? [source, destination] : [destination, source];
    const judgement = this.#judge.judge(own, peer, flow);
    if (judgement.kind !== 'isolated') return { allowed: true, isolatedBy: [] };
    const rule = judgement.rules.find((one) => lets(one, flow));
    return {
      allowed: rule !== undefined,
      isolatedBy: judgement.by,
      ...(rule === undefined ? {} : { rule: rule.origin }),
    };
  }

  #begin(): Compiler {
    this.#ends.clear();
    this.#namespaces.clear();
    this.#judge = undefined;
    const compiler = new Compiler({ scope: 'everywhere', dryRun: this.#dryRun });
    compiler.apply(this.#policies.map((policy) => ({ kind: 'policy', ref: policy.ref, policy })));
    return compiler;
  }

  #forgetWhere({ source, destination }: RecordedFlow): void {
    const contradicts = (end: RecordedEndpoint): boolean => {
      if (end.kind === 'address') return false;
      const known = this.#namespaces.get(end.identity.namespace);
      return known !== undefined && known !== labelsOf(end);
    };
    if (contradicts(source) || contradicts(destination) || this.#ends.size >= mostPods) this.#compiler = this.#begin();
  }

  #end(recorded: RecordedEndpoint): FlowEndpoint {
    if (recorded.kind === 'address') return recorded;
    const known = this.#ends.get(recorded.id);
    if (known !== undefined) return known;
    const end = flowEndpointOf(recorded, recorded.id);
    this.#ends.set(recorded.id, end);
    const { namespace: name, namespaceLabels: labels } = recorded.identity;
    this.#namespaces.set(name, labelsOf(recorded));
    if (end.kind === 'workload') {
      const pod = workloadAsPod(end.workload);
      this.#compiler.apply([
        { kind: 'namespace', name, namespace: { name, labels, annotations: {} } },
        { kind: 'pod', ref: pod.ref, pod },
      ]);
    }
    this.#judge = undefined;
    return end;
  }
}

const labelsOf = ({ identity }: Extract<RecordedEndpoint, { kind: 'pod' }>): string =>
  JSON.stringify(Object.entries(identity.namespaceLabels).sort());

const lets = ({ ports, everyProtocol }: MatchingRule, { port }: RecordedFlow): boolean =>
  port === undefined ? everyProtocol : hasPort(ports, port.protocol, port.number);
