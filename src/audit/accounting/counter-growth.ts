import type { PacketCount, PacketScope } from '../../program/packet-count.js';

export const packetScopes: readonly PacketScope[] = ['ingress', 'egress', 'neither', 'report'];
export type ByScope = Readonly<Record<PacketScope, number>>;

/** By how many packets counters have grown from one reading to the next. They begin at 0 when their table is created. */
export class CounterGrowth {
  readonly #meaningOf: (counter: string) => PacketCount | undefined;
  /** Of every counter of the last reading; undefined for one that the log does not account for. */
  #meanings: ReadonlyMap<string, PacketCount | undefined> = new Map();
  #seen: Map<string, number>;

  constructor(meaningOf: (counter: string) => PacketCount | undefined, seen: Readonly<Record<string, number>>) {
    this.#meaningOf = meaningOf;
    this.#seen = new Map(Object.entries(seen));
  }

  since(counters: ReadonlyMap<string, number>): { readonly toLog: ByScope; readonly logged: ByScope } {
    const grown = {
      'to-log': { ingress: 0, egress: 0, neither: 0, report: 0 },
      logged: { ingress: 0, egress: 0, neither: 0, report: 0 },
    };
    const meanings = new Map<string, PacketCount | undefined>();
    const seen = new Map<string, number>();
    for (const [name, value] of counters) {
      const meaning = this.#meanings.has(name) ? this.#meanings.get(name) : this.#meaningOf(name);
      meanings.set(name, meaning);
      if (meaning === undefined) continue;
      const before = this.#seen.get(name) ?? 0;
      grown[meaning.counts][meaning.scope] += value >= before ? value - before : value;
      seen.set(name, value);
    }
    this.#meanings = meanings;
    this.#seen = seen;
    return { toLog: grown['to-log'], logged: grown.logged };
  }

  forget(counters: readonly string[]): void {
    for (const name of counters) this.#seen.delete(name);
  }

  seen(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#seen);
  }
}
