import { familyOf, type Address } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import type { Endpoint } from '../../program/types.js';
import { headerReadings, type HeaderReading } from '../language/expressions.js';
import { joinKey } from '../language/elements.js';
import { setName } from '../names/sets.js';
import type { DesiredRuleset } from './desired.js';

/** Where an endpoint's packets of one direction go. */
export interface Target {
  readonly chain: string;
  readonly isolates: boolean;
  /** Each of them is reported, as a dry run or as an allowed flow: the cache must not hold them. */
  readonly isReported: boolean;
  /** Where those go that nobody tracks; absent where they just go on. */
  readonly untracked?: Readonly<Record<HeaderReading, string>>;
}

interface AddressElementsOptions {
  /** Packets that nobody tracks are evaluated by their header. */
  readonly isStateless: boolean;
  /** Undefined where packets just go on. */
  readonly targetOf: (direction: Direction, endpoint: Endpoint) => Target | undefined;
}

/** The addresses of endpoints in the sets and maps that every node has. */
export class AddressElements {
  readonly #desired: DesiredRuleset;
  readonly #options: AddressElementsOptions;
  /** Who has an address; two pods for a moment, when one is handed on. */
  readonly #owners = new Map<Address, Map<string, Endpoint>>();
  /** The elements of self4 and self6 that begin with an address. */
  readonly #pairs = new Map<Address, readonly string[]>();
  readonly #stale = new Set<Address>();

  constructor(desired: DesiredRuleset, options: AddressElementsOptions) {
    this.#desired = desired;
    this.#options = options;
  }

  add(key: string, endpoint: Endpoint): void {
    for (const address of endpoint.addresses) {
      this.#stale.add(address);
      const owners = this.#owners.get(address);
      if (owners === undefined) this.#owners.set(address, new Map([[key, endpoint]]));
      else owners.set(key, endpoint);
    }
  }

  remove(key: string, endpoint: Endpoint): void {
    for (const address of endpoint.addresses) {
      this.#stale.add(address);
      const owners = this.#owners.get(address);
      owners?.delete(key);
      if (owners?.size === 0) this.#owners.delete(address);
    }
  }

  /** Places again what was added or removed since the last call, and those whose targets have changed. */
  refresh(retargeted: Iterable<Address>): void {
    for (const address of retargeted) this.#stale.add(address);
    for (const address of this.#stale) this.#place(address);
    this.#stale.clear();
  }

  /** All elements of one address, from who has it now. */
  #place(address: Address): void {
    const owners = [...(this.#owners.get(address)?.values() ?? [])];
    const family = familyOf(address);
    const setElement = (set: string, value: string | undefined): void => this.#desired.setElement(set, address, value);
    setElement(setName.pods(family), owners.length > 0 ? '' : undefined);
    this.#placePairs(address, owners);
    for (const direction of directions) {
      // While two pods have one address, the same one of them is believed on every path; never the one that nothing isolates.
      const targets = owners.flatMap((endpoint) => this.#options.targetOf(direction, endpoint) ?? []);
      const [first] = targets.sort(isolatedFirst);
      setElement(setName.uncached(direction, family), targets.some(({ isReported }) => isReported) ? '' : undefined);
      setElement(setName.isolated(direction, family), first?.isolates === true ? '' : undefined);
      setElement(setName.dispatch(direction, family), verdictTo(first?.chain));
      if (this.#options.isStateless)
        for (const as of headerReadings)
          setElement(setName.untrackedDispatch[as](direction, family), verdictTo(first?.untracked?.[as]));
    }
  }

  /** A pod talks to itself from any of its addresses to any other. */
  #placePairs(address: Address, owners: readonly Endpoint[]): void {
    const family = familyOf(address);
    const others = owners.flatMap((endpoint) => endpoint.addresses.filter((other) => familyOf(other) === family));
    const pairs = [...new Set(others)].map((other) => joinKey(address, other));
    for (const pair of this.#pairs.get(address) ?? [])
      if (!pairs.includes(pair)) this.#desired.setElement(setName.self(family), pair, undefined);
    for (const pair of pairs) this.#desired.setElement(setName.self(family), pair, '');
    if (pairs.length > 0) this.#pairs.set(address, pairs);
    else this.#pairs.delete(address);
  }
}

const verdictTo = (chain: string | undefined): string | undefined => chain && `goto ${chain}`;

const isolatedFirst = (a: Target, b: Target): number =>
  Number(b.isolates) - Number(a.isolates) || (a.chain < b.chain ? -1 : 1);
