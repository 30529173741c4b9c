import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../audit/accounting/checkpoint.js';
import type { UnreadableCheckpoint } from '../../audit/accounting/unreadable-checkpoint.js';
import { isMapping } from '../../model/parse.js';
import { removeSaved, SavedFile } from './saved-file.js';

const pathIn = (stateDir: string): string => join(stateDir, 'audit.json');
const unreadable = (path: string): string => `${path}.unreadable`;

/** The checkpoint of the packet accounting, beside the state file, which is written less often. */
export class CheckpointFile {
  readonly #path: string;
  readonly #file: SavedFile;

  constructor(stateDir: string) {
    this.#path = pathIn(stateDir);
    this.#file = new SavedFile(pathIn(stateDir));
  }

  /** Undefined when there is none: then the accounting begins now. One that cannot be read is kept as `audit.json.unreadable`. */
  async load(): Promise<Checkpoint | UnreadableCheckpoint | undefined> {
    const found = await stat(this.#path).catch(() => undefined);
    if (found === undefined) return undefined;
    const saved: unknown = await this.#file.load().catch(() => undefined);
    if (isSaved(saved)) return checkpointIn(saved);
    // Where it cannot be moved it is overwritten, or not.
    await rename(this.#path, unreadable(this.#path)).catch(() => undefined);
    return { isUnreadable: true, time: found.mtimeMs };
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

const isNumbers = (value: unknown): boolean => isMapping(value) && Object.values(value).every(Number.isFinite);

function isSaved(value: unknown): value is SavedCheckpoint {
  if (!isMapping(value)) return false;
  const { time, counters, pending, unsettled, suppressed, written } = value;
  const isWritten = isMapping(written) && typeof written['bootId'] === 'string' && Number.isFinite(written['sequence']);
  return (
    [time, pending ?? unsettled ?? 0].every(Number.isFinite) &&
    [counters, suppressed].every(isNumbers) &&
    (written === undefined || isWritten)
  );
}

/** Without a checkpoint, packets that are counted from now on are no loss. */
export async function removeCheckpoint(stateDir: string): Promise<void> {
  await removeSaved(pathIn(stateDir));
  await rm(unreadable(pathIn(stateDir)), { recursive: true, force: true });
}
