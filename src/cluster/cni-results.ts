import { watch, type FSWatcher } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAddress, type Address } from '../model/address.js';
import { SingleRunner } from '../generic/single-runner.js';
import { Listeners } from './listeners.js';

/** What a CNI plugin answered when a pod was attached to this node. */
interface CniResult {
  readonly podUid: string;
  readonly addresses: readonly Address[];
}

/** Milliseconds from the first event to the scan, so that a burst is one scan. */
const settleTime = 5;
/** Events can be missed, and the folder only exists after the first pod. */
const lookEvery = 2_000;
/** The interface whose addresses a pod's status has; others belong to further networks. */
const podInterface = 'eth0';

/**
 * The results that container runtimes keep of every pod they attached: `/var/lib/cni/results`, one file for each
 * attachment (libcni, `CacheDir`). They are there before the pod's first container starts; its status in the API follows
 * seconds later.
 */
export class CniResults implements Disposable {
  readonly #folder: string;
  readonly #files = new Map<string, { readonly version: string; readonly result: CniResult | undefined }>();
  readonly #listeners = new Listeners<undefined>();
  readonly #timer: NodeJS.Timeout;
  #watcher: FSWatcher | undefined;
  #soon: NodeJS.Timeout | undefined;
  /** A change during a scan causes another scan. */
  readonly #looks: SingleRunner;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#looks = new SingleRunner(
      () => this.#look(),
      (error) => {
        throw error;
      },
    );
    this.#timer = setInterval(() => this.#looks.request(), lookEvery);
    this.#timer.unref();
  }

  /** Read once; a missing folder has no results. */
  static async open(folder: string): Promise<CniResults> {
    const results = new CniResults(folder);
    results.#looks.request();
    await results.#looks.idle();
    return results;
  }

  /** By the pod's uid: a previous pod may have had the name, and its address may belong to another pod now. */
  addresses(): ReadonlyMap<string, readonly Address[]> {
    return new Map(
      [...this.#files.values()].flatMap(({ result }) =>
        result === undefined ? [] : [[result.podUid, result.addresses] as const],
      ),
    );
  }

  /** Called when a result is added, changed or removed. */
  onChange(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    clearTimeout(this.#soon);
    this.#watcher?.close();
    void this.#looks.stop();
  }

  async #look(): Promise<void> {
    this.#follow();
    const names = new Set<string>(await readdir(this.#folder).catch(() => []));
    let changed = false;
    for (const name of [...this.#files.keys()].filter((one) => !names.has(one))) {
      this.#files.delete(name);
      changed = true;
    }
    for (const name of names) changed = (await this.#readFile(name)) || changed;
    if (changed) this.#listeners.notify(undefined);
  }

  async #readFile(name: string): Promise<boolean> {
    const path = join(this.#folder, name);
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const version = `${mtimeMs} ${size} ${ino}`;
      if (this.#files.get(name)?.version === version) return false;
      this.#files.set(name, { version, result: parseCniResult(await readFile(path, 'utf8')) });
      return true;
    } catch {
      // It was removed between the two calls: the next scan notices.
      return false;
    }
  }

  #follow(): void {
    if (this.#watcher !== undefined) return;
    const gone = (): void => {
      this.#watcher?.close();
      this.#watcher = undefined;
    };
    try {
      this.#watcher = watch(this.#folder, { persistent: false }, () => {
        this.#soon ??= setTimeout(() => {
          this.#soon = undefined;
          this.#looks.request();
        }, settleTime);
      }).on('error', gone);
    } catch {
      // The folder does not exist yet: the timer scans again.
      gone();
    }
  }
}

/** A file of libcni's cache; undefined for another network's, for what is no pod's, and for a file half written. */
export function parseCniResult(text: string): CniResult | undefined {
  let file: CacheFile | null;
  try {
    file = JSON.parse(text) as CacheFile | null;
  } catch {
    return undefined;
  }
  if (file?.kind !== 'cniCacheV1' || file.ifName !== podInterface) return undefined;
  const podUid = new Map(file.cniArgs).get('K8S_POD_UID');
  if (podUid === undefined) return undefined;
  const addresses = (file.result?.ips ?? []).flatMap(({ address = '' }) => {
    const parsed = parseAddress(address.split('/')[0] ?? '');
    return parsed === undefined ? [] : [parsed];
  });
  return { podUid, addresses: [...new Set(addresses)] };
}

/** What is read of libcni's cachedInfo (github.com/containernetworking/cni, libcni/api.go). */
interface CacheFile {
  readonly kind?: string;
  readonly ifName?: string;
  readonly cniArgs?: readonly (readonly [key: string, value: string])[];
  readonly result?: { readonly ips?: readonly { readonly address?: string }[] };
}
