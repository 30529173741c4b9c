import { Command } from 'commander';
import { nameOf, type FlowEndpoint } from '../../evaluation/flow-endpoints.js';
import { explain, type Explanation, type AnalysisInput } from '../../analysis/explain.js';
import { Evaluator } from '../../evaluation/evaluator.js';
import { Reach } from '../../analysis/reachability.js';
import { answerWarnings } from '../../analysis/warnings.js';
import { directionSummaries } from '../../analysis/direction-summaries.js';
import { policyKey } from '../../model/policy.js';
import { compiled, conclude, withInputs, type AnalysisFlags } from './analysis-options.js';
import type { CompiledInput } from '../../analysis/compiled-input.js';
import { isAllowed, questionsBetween } from '../../analysis/endpoint-questions.js';
import { EndpointNames } from '../../analysis/endpoint-names.js';
import { exitCode, UsageError } from '../common/exit-codes.js';
import { explanationAsJson, explanationText, type PolicyPositions } from '../../report/explanations.js';
import type { Paint } from '../../report/paint.js';
import { workloadAsJson, workloadText } from '../../report/workload-explanations.js';
import { readInputs } from './inputs.js';
import { policyPositions } from '../../manifests/manifest-collector.js';
import { documentText, outputOption, writeOutputs, type Output } from '../common/outputs.js';

const formats = ['text', 'json', 'yaml'] as const;

interface ExplainFlags extends AnalysisFlags {
  readonly output?: readonly Output<(typeof formats)[number]>[];
}

const examples = `
Endpoints and ports are written as for \`podwall can\`.

Examples:
  podwall explain web.shop db.shop 5432 -f manifests/     each step; for a denial also the nearest rule and an edit
  podwall explain internet web.shop 443 -f manifests/
  podwall explain deployment/db.shop -f manifests/        which policies select it, and what they add up to`;

export const explainCommand = (): Command =>
  withInputs(new Command('explain'))
    .summary('why it may or may not, rule by rule, and what would allow it')
    .description(
      'why a source may reach a destination or not, rule by rule; or what the policies of one workload add up to',
    )
    .argument('<source>', 'an endpoint; without a destination: a workload')
    .argument('[destination]', 'an endpoint')
    .argument('[port]', 'number or name, with /UDP or /SCTP if it is not TCP')
    .addOption(outputOption(formats))
    .addHelpText('after', examples)
    .action(async (source: string, destination: string | undefined, port: string | undefined, flags: ExplainFlags) => {
      const inputs = await readInputs(flags);
      const partial = conclude(inputs, flags, false);
      const input = compiled(inputs, flags);
      const names = new EndpointNames(input, flags.namespace);
      const context = { input, names, positions: policyPositions(inputs) };
      const explained =
        destination === undefined ? workload(context, source) : pair(context, { source, destination, port });
      await writeOutputs(flags.output, 'text', (format, paint) =>
        format === 'text' ? [explained.text(paint)] : [documentText(explained.document, format)],
      );
      process.exitCode = partial !== exitCode.done ? partial : explained.code;
    });

interface ExplainContext {
  readonly input: CompiledInput;
  readonly names: EndpointNames;
  readonly positions: PolicyPositions;
}

interface Explained {
  text(paint: Paint): string;
  readonly document: object;
  readonly code: number;
}

const mostExplained = 6;

function pair(
  { input, names, positions }: ExplainContext,
  { source, destination, port }: { source: string; destination: string; port: string | undefined },
): Explained {
  const [from, to] = [names.named(source), names.destination(destination)];
  const analysisInput: AnalysisInput = {
    evaluator: new Evaluator(input.program, input.blocks),
    policies: new Map(input.objects.policies.map((policy) => [policyKey(policy.ref), policy])),
    namespaces: new Map(input.objects.namespaces.map((namespace) => [namespace.name, namespace])),
    ipBlocks: input.blocks.ipBlocks,
  };
  const explained = questionsBetween(names, from, to, port).flatMap((question) =>
    explain(analysisInput, question).map((one) => ({ one, answer: one.answer, about: question.about })),
  );
  const explanations = explained.map(({ one }) => one);
  if (explanations.length === 0) throw new UsageError(`${source} and ${destination} have no address family in common`);
  const distinct = distinctOf(explanations);
  const { policies, implied } = input.objects;
  const resting = explanations.flatMap(({ answer }) => answerWarnings(answer, policies, implied));
  const warnings = [...new Set([...(to.note === undefined ? [] : [to.note]), ...resting])];
  const shown = (paint: Paint): readonly string[] =>
    distinct.slice(0, mostExplained).map(([one, ...alike]) => {
      const others = alike.length === 0 ? '' : `(the same for ${alike.length} more)\n`;
      return `${explanationText(one, positions, paint)}${others}`;
    });
  const more = distinct.length > mostExplained ? [`(${distinct.length - mostExplained} more; -o json has all)\n`] : [];
  const allowed = isAllowed(explained);
  return {
    text: (paint) => [...shown(paint), ...more, ...warnings.map((warning) => `warning: ${warning}\n`)].join('\n'),
    document: {
      kind: 'Explanation',
      schemaVersion: 1,
      allowed,
      explanations: explanations.map((one) => explanationAsJson(one, positions)),
      warnings,
    },
    code: allowed ? exitCode.done : exitCode.no,
  };
}

/** Ranges of addresses with the same answer for the same reasons are explained once, by the first of them. */
function distinctOf(explanations: readonly Explanation[]): readonly (readonly [Explanation, ...Explanation[]])[] {
  const place = (end: FlowEndpoint): string => (end.kind === 'address' && end.range !== undefined ? '' : nameOf(end));
  const distinct = new Map<string, [Explanation, ...Explanation[]]>();
  for (const one of explanations) {
    const { from, to, port, allowed, over } = one.answer;
    const why = one.steps.map((step) => [
      step.exempt,
      step.isolatedBy,
      step.rules.map(({ origin }) => origin),
      step.misses.map((miss) => (miss.kind === 'nearest' ? miss.miss.mismatches.map(({ path }) => path) : miss.kind)),
    ]);
    const key = JSON.stringify([place(from), place(to), port, allowed, over, why]);
    const alike = distinct.get(key);
    if (alike === undefined) distinct.set(key, [one]);
    else alike.push(one);
  }
  return [...distinct.values()];
}

function workload({ input, names, positions }: ExplainContext, source: string): Explained {
  const { endpoints: named } = names.named(source);
  const { matrix, listed, endpoints } = new Reach(input.workloads, input.program, { ...input.blocks, self: true });
  const summarised = named.map((end) => {
    if (end.kind === 'address') throw new UsageError(`${nameOf(end)} is not a workload: policies do not select it`);
    return { workload: end.workload, summaries: directionSummaries(matrix, listed, end.workload) };
  });
  return {
    text: () => summarised.map((one) => workloadText(one.workload, one.summaries, { endpoints, positions })).join('\n'),
    document: {
      kind: 'WorkloadExplanation',
      schemaVersion: 1,
      workloads: summarised.map((one) => workloadAsJson(one.workload, one.summaries, positions)),
    },
    code: exitCode.done,
  };
}
