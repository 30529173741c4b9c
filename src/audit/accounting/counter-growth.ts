import type { Direction } from '../../model/policy.js';

/** `report`: packets that are told of though they were not denied. */
export type PacketScope = Direction | 'neither' | 'report';
export const packetScopes: readonly PacketScope[] = ['ingress', 'egress', 'neither', 'report'];
export type ByScope = Readonly<Record<PacketScope, number>>;

/** What a counter of the kernel counts: packets to be told of, or those of them that passed the limits of the log. */
export interface CounterMeaning {
  readonly counts: 'wanted' | 'logged';
  readonly scope: PacketScope;
}

/** By how much counters have grown from reading to reading. They begin anew when their table does. */
export class CounterGrowth {
  readonly #meaningOf: (counter: string) => CounterMeaning | undefined;
  #seen: Map<string, number>;

  constructor(meaningOf: (counter: string) => CounterMeaning | undefined, seen: Readonly<Record<string, number>>) {
    this.#meaningOf = meaningOf;
    this.#seen = new Map(Object.entries(seen));
  }

  since(counters: ReadonlyMap<string, number>): { readonly wanted: ByScope; readonly logged: ByScope } {
    const grown = {
      wanted: { ingress: 0, egress: 0, neither: 0, report: 0 },
      logged: { ingress: 0, egress: 0, neither: 0, report: 0 },
    };
    const seen = new Map<string, number>();
    for (const [name, value] of counters) {
      const meaning = this.#meaningOf(name);
      if (meaning === undefined) continue;
      const before = this.#seen.get(name) ?? 0;
      grown[meaning.counts][meaning.scope] += value >= before ? value - before : value;
      seen.set(name, value);
    }
    this.#seen = seen;
    return grown;
  }

  forget(counters: readonly string[]): void {
    for (const name of counters) this.#seen.delete(name);
  }

  seen(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#seen);
  }
}
