import type { RecordFields } from '../reading/line-reader.js';
import type { Criterion } from './endpoint-criteria.js';
import { TimestampReader } from './times.js';

/** Which records are asked for: criteria of one name are alternatives, those of several names must all hold. */
export class Query {
  readonly #wanted = new Map<string, Criterion[]>();
  readonly #excluded: Criterion[] = [];
  readonly #times = new TimestampReader();
  #since = -Infinity;
  #until = Infinity;

  include(name: string, criterion: Criterion): void {
    const alternatives = this.#wanted.get(name);
    if (alternatives === undefined) this.#wanted.set(name, [criterion]);
    else alternatives.push(criterion);
  }

  /** No record that it holds for. */
  exclude(criterion: Criterion): void {
    this.#excluded.push(criterion);
  }

  /** From this moment on, in milliseconds. */
  since(moment: number): void {
    this.#since = moment;
  }

  /** Before this moment, in milliseconds. */
  until(moment: number): void {
    this.#until = moment;
  }

  /** Whether something is asked that only a verdict can answer, and no loss. */
  get isAboutVerdicts(): boolean {
    return this.#wanted.size > 0 || this.#excluded.length > 0;
  }

  isInTime(fields: RecordFields): boolean {
    if (this.#since === -Infinity && this.#until === Infinity) return true;
    const time = this.#times.read(String(fields.get('@timestamp')));
    return time >= this.#since && time < this.#until;
  }

  matches(fields: RecordFields): boolean {
    for (const alternatives of this.#wanted.values()) if (!alternatives.some((one) => one(fields))) return false;
    return !this.#excluded.some((one) => one(fields));
  }
}
