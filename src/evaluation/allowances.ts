import type { PortSet } from '../model/reachability.js';
import { allPorts, intersection, keyOf, noPorts, union } from './port-sets.js';

/** Ports that are allowed; those of them that rest on no assumption are `sure`. */
export interface Allowance {
  readonly ports: PortSet;
  readonly sure: PortSet;
}

export const isAssumed = ({ ports, sure }: Allowance): boolean => !isSame(ports, sure);

const isSame = (a: PortSet, b: PortSet): boolean => a === b || (a.length === b.length && keyOf(a) === keyOf(b));

export const isSameAllowance = (a: Allowance, b: Allowance): boolean =>
  a === b || (isSame(a.ports, b.ports) && isSame(a.sure, b.sure));

export const nothing: Allowance = { ports: noPorts, sure: noPorts };
export const everything: Allowance = { ports: allPorts, sure: allPorts };

export const either = (a: Allowance, b: Allowance): Allowance => ({
  ports: union(a.ports, b.ports),
  sure: union(a.sure, b.sure),
});

export function together(a: Allowance, b: Allowance): Allowance {
  const ports = intersection(a.ports, b.ports);
  return { ports, sure: a.ports === a.sure && b.ports === b.sure ? ports : intersection(a.sure, b.sure) };
}

/** Ids of the two allowances that need no arithmetic. */
export const nothingId = 0;
export const everythingId = 1;

const limit = 2 ** 26;

/** Sums that are kept: where every pair has another one, keeping all would be most of the memory. */
const keptSums = 2 ** 16;

/** Allowances as small numbers, so that a million cells are a million numbers; equal ones have the same id. */
export class Allowances {
  readonly #all: Allowance[] = [];
  readonly #ids = new Map<string, number>();
  readonly #unions = new Map<number, number>();
  readonly #intersections = new Map<number, Allowance>();

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
    const key = keyOfPair(a, b);
    const known = this.#unions.get(key);
    if (known !== undefined) return known;
    const id = this.idOf(either(this.get(a), this.get(b)));
    return kept(this.#unions, key, id);
  }

  /** What both allow; it gets no id. */
  intersection(a: number, b: number): Allowance {
    if (a === b || b === everythingId || a === nothingId) return this.get(a);
    if (a === everythingId || b === nothingId) return this.get(b);
    const key = keyOfPair(a, b);
    return this.#intersections.get(key) ?? kept(this.#intersections, key, together(this.get(a), this.get(b)));
  }
}

const keyOfPair = (a: number, b: number): number => (a < b ? a * limit + b : b * limit + a);

function kept<V>(cache: Map<number, V>, key: number, value: V): V {
  if (cache.size >= keptSums) cache.clear();
  cache.set(key, value);
  return value;
}
