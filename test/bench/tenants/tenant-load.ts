/** A tenant's row again and again beside whatever a lab's agents do: it arrives, is edited, and is removed. */
import { setTimeout as delay } from 'node:timers/promises';
import { namespace, pod } from '../../cases/objects.js';
import type { Manifest } from '../../cases/types.js';
import type { Lab } from '../../support/lab/lab.js';
import { deleteAll, DirectorySource, putAll, type ClusterSource } from '../live/cluster-source.js';
import { addQuietPods } from '../live/quiet-pods.js';
import { smallRows, tenantRows, type TenantRow } from './rows.js';
import { tenantServer } from './tenant-pods.js';

const all: readonly TenantRow[] = [...tenantRows, ...smallRows];

export const rowNames = (): readonly string[] => all.map(({ name }) => name);

/** @throws Error when no row has the name */
function rowNamed(name: string): TenantRow {
  const row = all.find((one) => one.name === name);
  if (row === undefined) throw new Error(`no tenant row ${name}: ${rowNames().join(', ')}`);
  return row;
}

/** Milliseconds between what the tenant does; in a loop, ten objects are a turn: a hundred a second. */
const [pause, loopPause] = [200, 100];

export class TenantLoad implements AsyncDisposable {
  readonly #row: TenantRow;
  readonly #source: ClusterSource;
  readonly #running: Promise<void>;
  #isOver = false;
  /** Writes of the whole row so far. */
  turns = 0;

  private constructor(row: TenantRow, source: ClusterSource) {
    this.#row = row;
    this.#source = source;
    this.#running = this.#run();
  }

  /** On node `n1`; its pod has an address that no test uses. */
  private static async start(row: TenantRow, lab: Lab, source: ClusterSource): Promise<TenantLoad> {
    const address = `10.244.1.${tenantServer.host}`;
    await addQuietPods(lab, [address, ...(row.quiet ?? [])]);
    const local = pod(tenantServer.end, { addresses: [address], labels: tenantServer.labels });
    await putAll(source, [namespace('tenant'), local, ...(row.before?.() ?? [])]);
    return new TenantLoad(row, source);
  }

  /** @param manifests the directory that the agents read */
  static async named(row: string, lab: Lab, manifests: string): Promise<TenantLoad> {
    return TenantLoad.start(rowNamed(row), lab, await DirectorySource.create(manifests));
  }

  /** What it wrote last stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (; !this.#isOver; this.turns += 1) {
      if (this.#row.isLoop === true) await putAll(this.#source, this.#row.objects(this.turns));
      else await this.#once();
      await delay(this.#row.isLoop === true ? loopPause : pause);
    }
  }

  async #once(): Promise<void> {
    const written: readonly Manifest[] = this.#row.objects(0);
    await putAll(this.#source, written);
    await delay(pause);
    await putAll(this.#source, this.#row.objects(1).slice(0, this.#row.edited));
    await delay(pause);
    await deleteAll(this.#source, written);
  }
}
