/** What an agent runs, in the order in which it does: scripts before the real programs write it down. */
import { execa } from 'execa';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export class RecordedPrograms {
  /** Where the scripts are. */
  readonly folder: string;
  readonly #log: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.#log = join(folder, 'log');
  }

  static async create(parent: string, names: readonly string[]): Promise<RecordedPrograms> {
    const programs = new RecordedPrograms(await mkdtemp(join(parent, 'programs-')));
    await writeFile(programs.#log, '');
    for (const name of names) {
      const { stdout: real } = await execa('sh', ['-c', `command -v ${name}`]);
      const script = `#!/bin/sh\necho "${name} $*" >> ${programs.#log}\nexec ${real} "$@"\n`;
      await writeFile(join(programs.folder, name), script, { mode: 0o755 });
    }
    return programs;
  }

  /** Command lines so far. */
  async lines(): Promise<readonly string[]> {
    return (await readFile(this.#log, 'utf8')).split('\n').slice(0, -1);
  }
}
