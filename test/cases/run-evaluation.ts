/** Runs a table through parse, compile and evaluate: in the scope of the whole cluster, and as its nodes would. */
import { Compiler } from '../../src/compiler/compiler.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import type { Reason } from '../../src/evaluation/verdicts.js';
import { printOrigin, printPolicy } from '../../src/program/print.js';
import { describeCell, type Case, type Cell } from './types.js';
import { WorldState, type Pairing } from './world-state.js';

export interface EvaluationResult {
  /** Flows asked. */
  readonly asked: number;
  /** One line for every flow whose verdict is not the table's. */
  readonly wrong: readonly string[];
}

interface Scope {
  readonly title: string;
  readonly compilers: readonly Compiler[];
}

/** The steps one after another, as changes to the same compilers. */
export function runEvaluation(table: Case): EvaluationResult {
  const state = new WorldState();
  const world = state.take({ apply: table.world });
  const perNode = state.nodes.map(({ name }) => new Compiler({ scope: { node: name } }));
  const scopes: readonly Scope[] = [
    { title: 'everywhere', compilers: [new Compiler({ scope: 'everywhere' })] },
    // Egress is judged on the source's node and ingress on the destination's: both must allow.
    { title: 'node by node', compilers: perNode },
  ];
  for (const compiler of scopes.flatMap(({ compilers }) => compilers)) compiler.apply(world);
  const wrong: string[] = [];
  let asked = 0;
  table.steps.forEach((step, index) => {
    const changes = state.take(step.changes ?? {});
    for (const { title, compilers } of scopes) {
      for (const compiler of compilers) compiler.apply(changes);
      const evaluators = compilers.map((compiler) => new Evaluator(compiler.program()));
      for (const cell of step.expect)
        for (const flow of state.pairings(cell)) {
          asked += 1;
          const problem = mismatch(evaluators, cell, flow);
          if (problem !== undefined) wrong.push(`step ${index + 1}, ${title}: ${problem}`);
        }
    }
  });
  return { asked, wrong };
}

function mismatch(evaluators: readonly Evaluator[], cell: Cell, flow: Pairing): string | undefined {
  const verdicts = evaluators.map((evaluator) => evaluator.evaluate(flow));
  const allowed = verdicts.every((verdict) => verdict.allowed);
  if (allowed === cell.allowed) return undefined;
  const reasons = verdicts.filter((verdict) => verdict.allowed === allowed).flatMap(({ reasons: all }) => all);
  const why = reasons.map(printReason).join(', ') || 'nobody judges it';
  return `${describeCell(cell)} over ${flow.family} is ${allowed ? 'allowed' : 'denied'}: ${why}`;
}

export function printReason(reason: Reason): string {
  switch (reason.kind) {
    case 'allowedBy':
      return `allowed by ${reason.rules.map(printOrigin).join(' and ')}`;
    case 'isolatedBy':
      return `${reason.direction} isolated by ${reason.policies.map(printPolicy).join(' and ')}`;
    case 'itself':
      return 'a pod to itself';
    default:
      return `${reason.direction} ${reason.kind}`;
  }
}
