import { watch, type FSWatcher } from 'node:fs';
import { join } from 'node:path';
import { reasonOf } from './manifest-tree.js';

/** Reports when something changes in any of several folders. */
export class FolderWatches implements Disposable {
  readonly #onEvent: (path?: string) => void;
  readonly #onFailure: (folder: string, reason: string) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #disposed = false;

  /**
   * @param onEvent with the path that changed, where that is known
   * @param onFailure for a folder that cannot be watched now: its changes are not reported
   */
  constructor(onEvent: (path?: string) => void, onFailure: (folder: string, reason: string) => void) {
    this.#onEvent = onEvent;
    this.#onFailure = onFailure;
  }

  /** Watches these folders from now on, and no others. */
  follow(folders: ReadonlySet<string>): void {
    if (this.#disposed) return;
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(folder, { persistent: true }, (_, name) =>
          this.#onEvent(name === null ? undefined : join(folder, name)),
        );
        watcher.on('error', () => this.#unwatch(folder));
        this.#watchers.set(folder, watcher);
      } catch (error) {
        this.#onFailure(folder, reasonOf(error));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #unwatch(folder: string): void {
    this.#watchers.get(folder)?.close();
    this.#watchers.delete(folder);
    this.#onEvent();
  }
}
