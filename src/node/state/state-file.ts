import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FailureStreak } from '../../generic/failure-streak.js';
import { messageOf } from '../../generic/message-of.js';
import { unlessMissing } from '../../generic/unless-missing.js';
import type { ReconcilerLog } from '../../reconciler/types.js';
import type { AgentStatus } from '../control-socket.js';
import { renamedDryRun } from '../../model/policy-mode.js';
import { removeWritten, writeByRename } from './atomic-write.js';

const pathIn = (stateDir: string): string => join(stateDir, 'state.json');

/** Milliseconds from one writing to the next, and more where a status takes long: making it must not keep the agent from its work. */
const writesEvery = 100;
const shareOfTime = 20;

/** Keeps the last status beside the socket, for a status asked after the agent has ended. Written by rename. */
export class StateFile {
  readonly #stateDir: string;
  readonly #ending = new AbortController();
  #writing: Promise<void> = Promise.resolve();
  #isWaiting = false;
  #pause = 0;

  readonly #streak: FailureStreak;

  constructor(stateDir: string, log: Pick<ReconcilerLog, 'info' | 'warn'>) {
    this.#stateDir = stateDir;
    this.#streak = new FailureStreak(log, {
      failed: 'cannot write the state file',
      over: 'the state file is written again',
    });
  }

  /** Writes soon what the status is then, once for all that is asked for until then. */
  write(status: () => AgentStatus): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#writing = this.#writing
      .then(() => this.#flush(status))
      .then(
        () => this.#streak.succeeded(),
        (error: unknown) => this.#streak.failed(error),
      );
  }

  /** Resolves when all that was asked for is on disk, without pauses from now on. */
  settled(): Promise<void> {
    this.#ending.abort();
    return this.#writing;
  }

  async #flush(status: () => AgentStatus): Promise<void> {
    const { signal } = this.#ending;
    if (this.#pause > 0) await setTimeout(this.#pause, undefined, { signal, ref: false }).catch(() => undefined);
    this.#isWaiting = false;
    const began = performance.now();
    const text = JSON.stringify(status());
    this.#pause = Math.max(writesEvery, shareOfTime * (performance.now() - began));
    await writeByRename(pathIn(this.#stateDir), text);
  }
}

/**
 * Undefined when there is none, or none that can be read.
 * @param onProblem hears why it cannot be read
 */
export async function readStateFile(
  stateDir: string,
  onProblem: (message: string) => void = () => undefined,
): Promise<AgentStatus | undefined> {
  const path = pathIn(stateDir);
  try {
    const text = await unlessMissing(readFile(path, 'utf8'));
    if (text === undefined) return undefined;
    const status: unknown = JSON.parse(text);
    if (!isStatus(status)) throw new Error('it holds no status of an agent');
    // The release before called a dry run `audit`.
    return (status.mode as string) === renamedDryRun ? { ...status, mode: 'dry-run' } : status;
  } catch (error) {
    onProblem(`${path} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

const isStatus = (value: unknown): value is AgentStatus =>
  typeof value === 'object' && value !== null && Number.isInteger((value as Partial<AgentStatus>).revision);

export const removeStateFile = (stateDir: string): Promise<void> => removeWritten(pathIn(stateDir));
