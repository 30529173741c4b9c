import type { NodePolicyStatus } from '../../model/node-policy-status.js';
import type { Reconciler } from '../../reconciler/reconciler.js';
import { RateLimitedTask, type ReportParts } from './rate-limited-task.js';

export interface NodePolicyStatusReportParts extends ReportParts {
  readonly reconciler: Pick<Reconciler, 'enforced' | 'status'>;
  readonly write: (status: NodePolicyStatus, signal: AbortSignal) => Promise<void>;
}

/** The API server gets no more than one write a second from a node, and its readers no older word than this. */
const least = 1_000;
export const statusReportedEvery = 30_000;

/** Keeps the node's NodePolicyStatus up to date: what is in the kernel, and nothing that is on its way there. */
export class NodePolicyStatusReport implements AsyncDisposable {
  readonly #parts: NodePolicyStatusReportParts;
  readonly #pace: RateLimitedTask;
  #written: string | undefined;
  #writtenAt = -Infinity;

  constructor(parts: NodePolicyStatusReportParts) {
    this.#parts = parts;
    const task = (signal: AbortSignal): Promise<void> => this.#write(signal);
    this.#pace = new RateLimitedTask({ ...parts, what: 'NodePolicyStatus', least, most: statusReportedEvery, task });
  }

  /** The agent's state may have changed. */
  changed(): void {
    this.#pace.changed();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pace[Symbol.asyncDispose]();
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { reconciler, write, clock } = this.#parts;
    const policies = reconciler.enforced();
    if (policies === undefined) return;
    const { ready, revision, endpoints, unattached } = reconciler.status();
    const state = { ready, revision, endpoints: endpoints.length, unattached: unattached.length, policies };
    const text = JSON.stringify(state);
    if (text === this.#written && clock.now() - this.#writtenAt < statusReportedEvery - least) return;
    await write({ ...state, observedAt: new Date(clock.timestamp()).toISOString() }, signal);
    [this.#written, this.#writtenAt] = [text, clock.now()];
  }
}
