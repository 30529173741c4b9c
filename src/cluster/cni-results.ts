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

/** From the first event to the look: a burst is one look. Milliseconds. */
const settleTime = 5;
/** Events can be missed, and the folder comes with the first pod. */
const lookEvery = 2_000;
/** The interface that a pod's status tells of; others are of further networks. */
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
  /** What changes during a look is seen by one more. */
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

  /** Read once; a folder that is not there is one without results. */
  static async open(folder: string): Promise<CniResults> {
    const results = new CniResults(folder);
    results.#looks.request();
    await results.#looks.idle();
    return results;
  }

  /** By the pod's uid: a name alone may be a former pod's, whose address may be another's by now. */
  addresses(): ReadonlyMap<string, readonly Address[]> {
    return new Map(
      [...this.#files.values()].flatMap(({ result }) =>
        result === undefined ? [] : [[result.podUid, result.addresses] as const],
      ),
    );
  }

  /** Told when a result came, changed or went. */
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
      // It went between the two calls: the next look sees it gone.
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
      // No such folder yet: the timer looks again.
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
