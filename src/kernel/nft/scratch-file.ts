import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a folder: on a disk, to empty the file costs more than all else that is done with it. */
const folders = ['/dev/shm', tmpdir()];

/** A file without a name, for what changes with each transaction: it vanishes with the processes that have it open. */
export class ScratchFile {
  readonly descriptor: number;

  private constructor(descriptor: number) {
    this.descriptor = descriptor;
  }

  /** In the first of the folders that lets us. @throws what the last one says */
  static open([folder = tmpdir(), ...others]: readonly string[] = folders): ScratchFile {
    try {
      return new ScratchFile(openIn(folder));
    } catch (error) {
      if (others.length === 0) throw error;
      return ScratchFile.open(others);
    }
  }

  /** Makes it hold just this. @returns false when it does not, for want of room for example */
  write(content: Buffer): boolean {
    try {
      ftruncateSync(this.descriptor, 0);
      return writeSync(this.descriptor, content, 0, content.length, 0) === content.length;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      return false;
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

function openIn(parent: string): number {
  const folder = mkdtempSync(join(parent, 'podwall-nft-'));
  try {
    return openSync(join(folder, 'transaction'), 'w+', 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
