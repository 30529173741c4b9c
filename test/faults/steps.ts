/** The steps of an agent as `recorder.mjs` writes them down, and the one at which it is killed. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const recorder = pathToFileURL(join(import.meta.dirname, 'recorder.mjs')).href;

export type Moment = 'before' | 'after';

export class Steps {
  readonly #log: string;
  readonly #kill: string;
  readonly #folder: string;

  /** @param stateDir what is written in it is a step */
  constructor(parent: string, stateDir: string) {
    this.#log = join(parent, 'steps');
    this.#kill = join(parent, 'kill-at');
    this.#folder = stateDir;
    this.clear();
  }

  /** Of the process that is to be recorded. */
  get environment(): Readonly<Record<string, string>> {
    return {
      NODE_OPTIONS: `--import ${recorder} --no-warnings`,
      PODWALL_STEPS_LOG: this.#log,
      PODWALL_STEPS_FOLDER: this.#folder,
      PODWALL_STEPS_KILL: this.#kill,
    };
  }

  /** Another process is recorded from now on. */
  clear(): void {
    writeFileSync(this.#log, '');
    this.spare();
  }

  /** The process is not killed any more. */
  spare(): void {
    rmSync(this.#kill, { force: true });
  }

  /** What was begun, in its order. */
  get begun(): readonly string[] {
    return this.#lines.filter(({ when }) => when === 'before').map(({ what }) => what);
  }

  get #lines(): readonly { readonly number: number; readonly when: string; readonly what: string }[] {
    if (!existsSync(this.#log)) return [];
    return readFileSync(this.#log, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [number = '', when = '', ...what] = line.split(' ');
        return { number: Number(number), when, what: what.join(' ') };
      });
  }

  /** The process is killed at the so manieth step from now. @returns what it was killed at, once it was */
  killAt(step: number, moment: Moment): () => string | undefined {
    const number = Math.max(0, ...this.#lines.map((line) => line.number)) + step;
    writeFileSync(`${this.#kill}.new`, `${number} ${moment}`);
    renameSync(`${this.#kill}.new`, this.#kill);
    return () => this.#lines.find((line) => line.number === number && line.when === moment)?.what;
  }
}
