import type { NodePolicyStatus } from '../../model/node-policy-status.js';
import type { Reconciler } from '../../reconciler/reconciler.js';
import { RateLimitedTask, type ReportParts } from './rate-limited-task.js';

interface NodePolicyStatusReportParts extends ReportParts {
  readonly reconciler: Pick<Reconciler, 'enforced' | 'status'>;
  readonly write: (status: NodePolicyStatus, signal: AbortSignal) => Promise<void>;
}

/** Milliseconds: a node writes at most once a second, and its status is never older than this. */
const minInterval = 1_000;
export const statusReportedEvery = 30_000;

/** Keeps the node's NodePolicyStatus up to date: it says what is in the kernel, without changes that are not applied yet. */
export class NodePolicyStatusReport implements AsyncDisposable {
  readonly #parts: NodePolicyStatusReportParts;
  readonly #task: RateLimitedTask;
  #written: string | undefined;
  #writtenAt = -Infinity;

  constructor(parts: NodePolicyStatusReportParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#write(signal);
    this.#task = new RateLimitedTask({
      ...parts,
      what: 'NodePolicyStatus',
      minInterval,
      maxInterval: statusReportedEvery,
      task,
    });
  }

  /** The agent's state may have changed. */
  changed(): void {
    this.#task.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#task[Symbol.asyncDispose]();
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { reconciler, write, clock } = this.#parts;
    const policies = reconciler.enforced();
    if (policies === undefined) return;
    const { ready, revision, endpoints, unattached } = reconciler.status();
    const state = { ready, revision, endpoints: endpoints.length, unattached: unattached.length, policies };
    const text = JSON.stringify(state);
    if (text === this.#written && clock.now() - this.#writtenAt < statusReportedEvery - minInterval) return;
    await write({ ...state, observedAt: new Date(clock.timestamp()).toISOString() }, signal);
    [this.#written, this.#writtenAt] = [text, clock.now()];
  }
}
