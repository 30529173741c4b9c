import { readFile } from 'node:fs/promises';
import { removeWritten, writeByRename } from './atomic-write.js';

/** What one run of the agent leaves to the next, as JSON. Written by rename. */
export class SavedFile {
  readonly #path: string;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined when there is none, or none that can be read. */
  async load(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** In the order in which it is asked for. */
  save(value: unknown): Promise<void> {
    const saving = this.#saving.then(() => writeByRename(this.#path, JSON.stringify(value)));
    this.#saving = saving.catch(() => undefined);
    return saving;
  }
}

export const removeSaved = (path: string): Promise<void> => removeWritten(path);
