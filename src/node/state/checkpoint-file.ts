import { join } from 'node:path';
import type { Checkpoint } from '../../audit/accounting/checkpoint.js';
import { removeSaved, SavedFile } from './saved-file.js';

const pathIn = (stateDir: string): string => join(stateDir, 'audit.json');

/** The checkpoint of the packet accounting, beside the state file, which is written less often. */
export class CheckpointFile {
  readonly #file: SavedFile;

  constructor(stateDir: string) {
    this.#file = new SavedFile(pathIn(stateDir));
  }

  /** Undefined when there is none, or none that can be read: then the accounting begins now. */
  async load(): Promise<Checkpoint | undefined> {
    const saved = (await this.#file.load()) as SavedCheckpoint | undefined;
    return saved && checkpointIn(saved);
  }

  /** In the order in which they are asked for: the loop saves before it removes counters, the log at every tick. */
  save(checkpoint: Checkpoint): Promise<void> {
    return this.#file.save(checkpoint);
  }
}

/** The release before this one wrote `unsettled` for what is `pending` now. */
type SavedCheckpoint = Omit<Checkpoint, 'pending'> & { readonly pending?: number; readonly unsettled?: number };

const checkpointIn = ({ pending, unsettled, ...rest }: SavedCheckpoint): Checkpoint => ({
  ...rest,
  pending: pending ?? unsettled ?? 0,
});

/** Without a checkpoint, packets that are counted from now on are no loss. */
export const removeCheckpoint = (stateDir: string): Promise<void> => removeSaved(pathIn(stateDir));
