import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { AgentStatus } from '../control-socket.js';
import { renamedDryRun } from '../../model/policy-mode.js';
import { writeByRename } from './atomic-write.js';

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

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** Writes soon what the status is then, once for all that is asked for until then. */
  write(status: () => AgentStatus, onError: (error: unknown) => void): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#writing = this.#writing.then(() => this.#flush(status)).catch(onError);
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

export async function readStateFile(stateDir: string): Promise<AgentStatus | undefined> {
  try {
    const status = JSON.parse(await readFile(pathIn(stateDir), 'utf8')) as AgentStatus;
    // The release before called a dry run `audit`.
    return (status.mode as string) === renamedDryRun ? { ...status, mode: 'dry-run' } : status;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export const removeStateFile = (stateDir: string): Promise<void> => rm(pathIn(stateDir), { force: true });
