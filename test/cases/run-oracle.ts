/** Runs a table through the naive evaluator, which knows nothing of programs. */
import { isAllowed } from '../oracle/oracle.js';
import { describeCell, type Case } from './types.js';
import { ClusterState } from './cluster-state.js';

/** One line for every flow whose verdict is not the table's. */
export function runOracle(table: Case): { readonly asked: number; readonly wrong: readonly string[] } {
  const state = new ClusterState();
  state.take({ apply: table.objects });
  const wrong: string[] = [];
  let asked = 0;
  table.steps.forEach((step, index) => {
    state.take(step.changes ?? {});
    const cluster = state.snapshot();
    for (const cell of step.expect)
      for (const flow of state.pairings(cell)) {
        asked += 1;
        if (isAllowed(cluster, flow) !== cell.allowed)
          wrong.push(`step ${index + 1}: ${describeCell(cell)} over ${flow.family}: not ${String(cell.allowed)}`);
      }
  });
  return { asked, wrong };
}
