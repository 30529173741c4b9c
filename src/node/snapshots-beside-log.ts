/** The policies and pod identities that the agent's records refer to, saved in the folder of its log. */
import { dirname } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { ContentId } from '../audit/snapshots/content-id.js';
import { SnapshotRecorder } from '../audit/snapshots/snapshot-references.js';
import { SnapshotStore } from '../audit/snapshots/snapshot-store.js';
import { messageOf } from '../generic/message-of.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { ReconcilerLog } from '../reconciler/types.js';

type Save = (store: SnapshotStore) => Promise<void>;

/** More than the records that wait for one write refer to. */
const recentSnapshots = 1024;

export class SnapshotsBesideLog {
  readonly recorder: SnapshotRecorder;
  readonly #folder: string;
  #store: Promise<SnapshotStore>;
  /** What the last records refer to. */
  readonly #recent = new LRUCache<ContentId, Save>({ max: recentSnapshots });
  readonly #log: ReconcilerLog;
  #isFailing = false;

  constructor(logFile: string, mode: PolicyMode, log: ReconcilerLog) {
    this.#folder = dirname(logFile);
    this.#log = log;
    this.#store = this.#open();
    this.recorder = new SnapshotRecorder({
      mode,
      store: {
        savePolicies: (id, policies, cause) => this.#save(id, (store) => store.savePolicies(id, policies, cause)),
        saveIdentity: (id, identity) => this.#save(id, (store) => store.saveIdentity(id, identity)),
      },
      onFailure: (error) => this.#noteFailure(error),
    });
  }

  /** Looks anew which snapshots are there: the folder was perhaps removed, before the last records were written to it. */
  reopen(): void {
    this.#store = this.#open();
    for (const [id, save] of [...this.#recent.entries()])
      this.#save(id, save).catch((error: unknown) => this.#noteFailure(error));
  }

  async #save(id: ContentId, save: Save): Promise<void> {
    this.#recent.set(id, save);
    await save(await this.#store);
    this.#isFailing = false;
  }

  /** Only the first failure of a row is logged: each record of a flood would log it again. */
  #noteFailure(error: unknown): void {
    const message = 'cannot save the policies of records: they cannot be explained later';
    if (!this.#isFailing) this.#log.warn({ error: messageOf(error) }, message);
    this.#isFailing = true;
  }

  #open(): Promise<SnapshotStore> {
    const opening = SnapshotStore.open(this.#folder);
    // The first record that needs the store reports the failure.
    opening.catch(() => undefined);
    return opening;
  }
}
