import type { PortSet } from '../model/reachability.js';
import { allPorts, intersection, keyOf, noPorts, union } from './port-sets.js';

/** Ports that are allowed; those of them that rest on no assumption are `sure`. */
export interface Allowance {
  readonly ports: PortSet;
  readonly sure: PortSet;
}

export const isAssumed = ({ ports, sure }: Allowance): boolean => ports !== sure && keyOf(ports) !== keyOf(sure);

export const nothing: Allowance = { ports: noPorts, sure: noPorts };
export const everything: Allowance = { ports: allPorts, sure: allPorts };

export const either = (a: Allowance, b: Allowance): Allowance => ({
  ports: union(a.ports, b.ports),
  sure: union(a.sure, b.sure),
});

export const together = (a: Allowance, b: Allowance): Allowance => ({
  ports: intersection(a.ports, b.ports),
  sure: intersection(a.sure, b.sure),
});

/** Ids of the two allowances that need no arithmetic. */
export const nothingId = 0;
export const everythingId = 1;

const limit = 2 ** 26;

/** Allowances as small numbers, so that a million pairs are a million numbers; equal ones have the same id. */
export class Allowances {
  readonly #all: Allowance[] = [];
  readonly #ids = new Map<string, number>();
  readonly #unions = new Map<number, number>();
  readonly #intersections = new Map<number, number>();

  constructor() {
    this.idOf(nothing);
    this.idOf(everything);
  }

  idOf(allowance: Allowance): number {
    const key = `${keyOf(allowance.ports)}|${keyOf(allowance.sure)}`;
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const id = this.#all.push(allowance) - 1;
    this.#ids.set(key, id);
    return id;
  }

  get(id: number): Allowance {
    const found = this.#all[id];
    if (found === undefined) throw new Error(`no allowance ${id}`);
    return found;
  }

  union(a: number, b: number): number {
    if (a === b || b === nothingId || a === everythingId) return a;
    if (a === nothingId || b === everythingId) return b;
    return this.#combined(this.#unions, either, a, b);
  }

  intersection(a: number, b: number): number {
    if (a === b || b === everythingId || a === nothingId) return a;
    if (a === everythingId || b === nothingId) return b;
    return this.#combined(this.#intersections, together, a, b);
  }

  #combined(
    cache: Map<number, number>,
    combine: (a: Allowance, b: Allowance) => Allowance,
    ...[a, b]: readonly [number, number]
  ): number {
    const key = a < b ? a * limit + b : b * limit + a;
    const known = cache.get(key);
    if (known !== undefined) return known;
    const id = this.idOf(combine(this.get(a), this.get(b)));
    cache.set(key, id);
    return id;
  }
}
