/** What is stated about the agent's worst day, as something that can be tried. */
import { noCounts, sumOfCounts, type Counts } from './traffic.js';
import type { FaultCluster } from './fault-cluster.js';

export interface Extent {
  /** One of so many steps is tried, from a first that differs between runs. */
  readonly oneOf: number;
  readonly first: number;
  /** No more trials than this. */
  readonly atMost: number;
}

export const everything: Extent = { oneOf: 1, first: 0, atMost: Infinity };

export class Outcome {
  readonly attempts = new Map<string, number>();
  readonly problems: string[] = [];
  counts: Counts = noCounts;

  /** Something was tried, and what packets met meanwhile. */
  add(what: string, counts: Counts = noCounts): void {
    this.attempts.set(what, (this.attempts.get(what) ?? 0) + 1);
    this.counts = sumOfCounts(this.counts, counts);
    if (counts.wrong > 0 || counts.lost > 0)
      this.problems.push(`${what}: ${counts.wrong} wrong verdicts, ${counts.lost} allowed flows lost`);
  }

  get isMet(): boolean {
    return this.attempts.size > 0 && this.problems.length === 0;
  }

  /** What was tried, how often, and what packets met. */
  get text(): string {
    const times = [...this.attempts.values()].reduce((sum, count) => sum + count, 0);
    const { flows, wrong, lost, longestGap } = this.counts;
    return (
      `${this.attempts.size} kinds, ${times} times; ${flows} flows, ${wrong} wrong verdicts, ` +
      `${lost} allowed packets lost, longest gap ${Math.round(longestGap)} ms`
    );
  }
}

export interface Statement {
  readonly name: string;
  /** Leaves an agent that runs, or none. */
  readonly attempt: (cluster: FaultCluster, outcome: Outcome, extent: Extent) => Promise<void>;
}

/** @returns what became of it; what was thrown is a problem */
export async function attempted({ attempt }: Statement, cluster: FaultCluster, extent: Extent): Promise<Outcome> {
  const outcome = new Outcome();
  try {
    await attempt(cluster, outcome, extent);
  } catch (error) {
    outcome.problems.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return outcome;
}
