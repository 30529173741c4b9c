import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentStatus } from '../control-socket.js';
import { renamedDryRun } from '../../model/policy-mode.js';
import { writeByRename } from './atomic-write.js';

const pathIn = (stateDir: string): string => join(stateDir, 'state.json');

/** Keeps the last status beside the socket, for a status asked after the agent has ended. Written by rename. */
export class StateFile {
  readonly #stateDir: string;
  #writing: Promise<void> = Promise.resolve();
  #next: AgentStatus | undefined;

  constructor(stateDir: string) {
    this.#stateDir = stateDir;
  }

  /** Writes soon; of several states that wait, only the newest is written. */
  write(status: AgentStatus, onError: (error: unknown) => void): void {
    const waiting = this.#next !== undefined;
    this.#next = status;
    if (!waiting) this.#writing = this.#writing.then(() => this.#flush()).catch(onError);
  }

  /** Resolves when all that was asked for is on disk. */
  settled(): Promise<void> {
    return this.#writing;
  }

  async #flush(): Promise<void> {
    const status = this.#next;
    this.#next = undefined;
    if (status === undefined) return;
    await writeByRename(pathIn(this.#stateDir), JSON.stringify(status));
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
