import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../audit/accounting/checkpoint.js';
import { writeByRename } from './atomic-write.js';

const pathIn = (stateDir: string): string => join(stateDir, 'audit.json');

/** The checkpoint of the packet accounting, beside the state file, which is written less often. Written by rename. */
export class CheckpointFile {
  readonly #path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(stateDir: string) {
    this.#path = pathIn(stateDir);
  }

  /** Undefined when there is none, or none that can be read: then the accounting begins now. */
  async load(): Promise<Checkpoint | undefined> {
    try {
      return checkpointIn(JSON.parse(await readFile(this.#path, 'utf8')) as SavedCheckpoint);
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** In the order in which they are asked for: the loop saves before it removes counters, the log at every tick. */
  save(checkpoint: Checkpoint): Promise<void> {
    const saving = this.#saving.then(() => writeByRename(this.#path, JSON.stringify(checkpoint)));
    this.#saving = saving.catch(() => undefined);
    return saving;
  }
}

/** The release before this one wrote `unsettled` for what is `pending` now. */
type SavedCheckpoint = Omit<Checkpoint, 'pending'> & { readonly pending?: number; readonly unsettled?: number };

const checkpointIn = ({ pending, unsettled, ...rest }: SavedCheckpoint): Checkpoint => ({
  ...rest,
  pending: pending ?? unsettled ?? 0,
});

/** Without a checkpoint, packets that are counted from now on are no loss. */
export const removeCheckpoint = (stateDir: string): Promise<void> => rm(pathIn(stateDir), { force: true });
