/**
 * Runs a table through what evaluates a program: as the agents' programs have it (of the whole cluster, and node by
 * node), and as the commands answer in each way that users can ask.
 */
import { Compiler } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { Reason } from '../../src/evaluation/verdicts.js';
import { printOrigin, printPolicy } from '../../src/program/print.js';
import { describeCell, type Case, type Cell } from './types.js';
import { describeAnswer, UserAnswers } from './user-answers.js';
import { ClusterState, type Pairing } from './cluster-state.js';

export interface EvaluationResult {
  /** Verdicts asked for. */
  readonly asked: number;
  /** One line for every verdict that is not the table's. */
  readonly wrong: readonly string[];
}

interface Scope {
  readonly title: string;
  readonly compilers: readonly Compiler[];
}

/** The steps one after another, as changes to the same compilers. */
export function runEvaluation(table: Case): EvaluationResult {
  const state = new ClusterState();
  const objects = state.take({ apply: table.objects });
  const perNode = state.nodes.map(({ name }) => new Compiler({ scope: { node: name } }));
  const scopes: readonly Scope[] = [
    { title: 'everywhere', compilers: [new Compiler({ scope: 'everywhere' })] },
    // Egress is evaluated on the source's node and ingress on the destination's: both must allow.
    { title: 'node by node', compilers: perNode },
  ];
  for (const compiler of scopes.flatMap(({ compilers }) => compilers)) compiler.apply(objects);
  const wrong: string[] = [];
  let asked = 0;
  table.steps.forEach((step, index) => {
    const changes = state.take(step.changes ?? {});
    const flows = step.expect.flatMap((cell) => state.pairings(cell).map((flow) => ({ cell, flow })));
    for (const { title, compilers } of scopes) {
      for (const compiler of compilers) compiler.apply(changes);
      const evaluators = compilers.map((compiler) => new Evaluator(compiler.program()));
      for (const { cell, flow } of flows) {
        asked += 1;
        const problem = mismatch(evaluators, cell, flow);
        if (problem !== undefined) wrong.push(`step ${index + 1}, ${title}: ${problem}`);
      }
    }
    for (const answer of UserAnswers.from(state.manifests).answersTo(flows)) {
      asked += 1;
      if (answer.allowed !== answer.cell.allowed) wrong.push(`step ${index + 1}: ${describeAnswer(answer)}`);
    }
  });
  return { asked, wrong };
}

function mismatch(evaluators: readonly Evaluator[], cell: Cell, flow: Pairing): string | undefined {
  const verdicts = evaluators.map((evaluator) => evaluator.evaluate(flow));
  const allowed = verdicts.every((verdict) => verdict.allowed);
  if (allowed === cell.allowed) return undefined;
  const reasons = verdicts.filter((verdict) => verdict.allowed === allowed).flatMap(({ reasons: all }) => all);
  return `${describeCell(cell)} over ${flow.family} is ${allowed ? 'allowed' : 'denied'}: ${reasons.map(printReason).join(', ')}`;
}

export function printReason(reason: Reason): string {
  switch (reason.kind) {
    case 'allowedBy':
      return `allowed by ${reason.rules.map(printOrigin).join(' and ')}`;
    case 'isolatedBy':
      return `${reason.direction} isolated by ${reason.policies.map(printPolicy).join(' and ')}`;
    default:
      return `${reason.direction} ${reason.kind}`;
  }
}
