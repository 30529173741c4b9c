/** Which snapshots there are, and which go when a bound is passed: those that their owner used longest ago. */
import type { ContentId } from './content-id.js';

/** Bytes of one namespace's snapshots, and of all together. */
export interface FileLimits {
  readonly ofNamespace: number;
  readonly ofAll: number;
}

interface OwnedFile {
  readonly id: ContentId;
  readonly owner: string;
}

interface Owner {
  /** Bytes by file, the least recently used first. */
  readonly files: Map<ContentId, number>;
  bytes: number;
}

/** A file takes whole blocks of the disk. */
const blockBytes = 4096;

export class OwnedFiles {
  readonly #limits: FileLimits;
  readonly #owners = new Map<string, Owner>();
  readonly #ownerOf = new Map<ContentId, string>();
  #bytes = 0;

  constructor(limits: FileLimits) {
    this.#limits = limits;
  }

  /** False when there is no such file. */
  use(id: ContentId): boolean {
    const files = this.#owners.get(this.#ownerOf.get(id) ?? '')?.files;
    const bytes = files?.get(id);
    if (files === undefined || bytes === undefined) return false;
    files.delete(id);
    files.set(id, bytes);
    return true;
  }

  add(id: ContentId, owner: string, size: number): void {
    const bytes = Math.ceil(size / blockBytes) * blockBytes;
    const { files } = this.#ownerNamed(owner);
    if (this.#ownerOf.has(id)) return;
    files.set(id, bytes);
    this.#ownerOf.set(id, owner);
    this.#grow(owner, bytes);
  }

  /** Those that the bounds do not leave room for, which are no longer there. Each namespace keeps one, whatever its size. */
  takeExcess(): readonly OwnedFile[] {
    const excess: OwnedFile[] = [];
    for (const [owner, { files }] of this.#owners)
      while (this.#bytesOf(owner) > this.#limits.ofNamespace && files.size > 1) excess.push(this.#takeOldest(owner));
    while (this.#bytes > this.#limits.ofAll) {
      const [largest, { files }] = [...this.#owners].reduce((a, b) => (b[1].bytes > a[1].bytes ? b : a));
      if (files.size <= 1) break;
      excess.push(this.#takeOldest(largest));
    }
    return excess;
  }

  #takeOldest(owner: string): OwnedFile {
    const { files } = this.#ownerNamed(owner);
    const [id, bytes] = [...files][0] ?? ['', 0];
    files.delete(id);
    this.#ownerOf.delete(id);
    this.#grow(owner, -bytes);
    return { id, owner };
  }

  #bytesOf(owner: string): number {
    return this.#owners.get(owner)?.bytes ?? 0;
  }

  #grow(owner: string, bytes: number): void {
    this.#ownerNamed(owner).bytes += bytes;
    this.#bytes += bytes;
  }

  #ownerNamed(name: string): Owner {
    const known = this.#owners.get(name) ?? { files: new Map<ContentId, number>(), bytes: 0 };
    this.#owners.set(name, known);
    return known;
  }
}
