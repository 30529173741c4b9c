import type { RecordFields } from '../reading/line-reader.js';
import type { Criterion } from './endpoint-criteria.js';
import { TimestampReader } from './times.js';

/** Selects records: criteria with one name are alternatives, and each name must have one that matches. */
export class Query {
  readonly #required = new Map<string, Criterion[]>();
  readonly #excluded: Criterion[] = [];
  readonly #times = new TimestampReader();
  #since = -Infinity;
  #until = Infinity;

  require(name: string, criterion: Criterion): void {
    const alternatives = this.#required.get(name);
    if (alternatives === undefined) this.#required.set(name, [criterion]);
    else alternatives.push(criterion);
  }

  /** Selects no record that matches. */
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

  /** Whether it has criteria that only a verdict can match, and no loss record. */
  get isAboutVerdicts(): boolean {
    return this.#required.size > 0 || this.#excluded.length > 0;
  }

  isInTime(fields: RecordFields): boolean {
    if (this.#since === -Infinity && this.#until === Infinity) return true;
    const time = this.#times.read(String(fields.get('@timestamp')));
    return time >= this.#since && time < this.#until;
  }

  matches(fields: RecordFields): boolean {
    for (const alternatives of this.#required.values()) if (!alternatives.some((one) => one(fields))) return false;
    return !this.#excluded.some((one) => one(fields));
  }
}
