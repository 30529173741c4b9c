/**
 * Packets by policy, and by reason where no policy dropped them, added up from readings of the kernel's named counters. A counter of denials belongs to the set of
 * policies that isolate a pod together and goes when that set changes, also while its policies live; a series must not.
 */
import type { ClusterChange } from '../../model/cluster.js';
import { policyKey } from '../../model/policy.js';
import {
  countersOfEndpoint,
  countersOfRuleList,
  policyCounters,
  skeletonDropCounter,
  unknownPolicyCounter,
  type PolicyCounter,
} from '../../nftables/render/policy-counters.js';
import { skeletonDrops } from '../../program/drop-reasons.js';
import type { PolicyProgram, ProgramChange } from '../../program/types.js';

/** Of a verdict. What comes after is summed under `(others)`, so that a large cluster does not overload Prometheus. */
const mostSeries = 1000;
/** Milliseconds that a series is still scraped when a policy of it is gone: several scrapes. */
const endedKept = 15 * 60_000;
/** Counters whose policies are remembered beyond those of the program, before what is of no use is forgotten. */
const spareMeanings = 1000;

const others = '(others)';

/** `drop`: for a reason that is no policy's. */
type Verdict = PolicyCounter['verdict'] | 'drop';
const verdicts: readonly Verdict[] = ['allow', 'deny', 'dryRunAllow', 'dryRunDeny', 'drop'];

/** By `direction policies`; what no policy drops by its reason. */
export type PolicyPackets = Readonly<Record<Verdict, ReadonlyMap<string, number>>>;

interface Series {
  packets: number;
  /** Since when a policy of it is gone. */
  endedAt?: number;
}

interface Meaning {
  readonly verdict: Verdict;
  /** `direction policies`, or the reason. */
  readonly labels: string;
}

/** Of counters that every node has. */
const ofReasons: ReadonlyMap<string, Meaning> = new Map(
  skeletonDrops.map((reason) => [skeletonDropCounter(reason), { verdict: 'drop', labels: reason }]),
);

/** What the next run of the agent continues with. */
export interface SavedSeries {
  /** Packets by labels. */
  readonly series: Readonly<Partial<Record<Verdict, Readonly<Record<string, number>>>>>;
  /** By name: what was counted at the last reading, all of which is in the series. */
  readonly counters: Readonly<Record<string, Meaning & { readonly packets: number }>>;
}

export class PolicySeries {
  readonly #program: () => PolicyProgram;
  /** Of every counter that the kernel may hold. */
  readonly #meanings = new Map<string, Meaning>();
  readonly #seen = new Map<string, number>();
  readonly #living = new Set<string>();
  readonly #series: Readonly<Record<Verdict, Map<string, Series>>> = {
    allow: new Map(),
    deny: new Map(),
    dryRunAllow: new Map(),
    dryRunDeny: new Map(),
    drop: new Map(),
  };
  #pruneAt = spareMeanings;
  #resets = 0;

  constructor(program: () => PolicyProgram, { series = {}, counters = {} }: Partial<SavedSeries> = {}) {
    this.#program = program;
    for (const verdict of verdicts)
      for (const [labels, packets] of Object.entries(series[verdict] ?? {}))
        this.#series[verdict].set(labels, { packets });
    for (const [name, { packets, verdict, labels }] of Object.entries(counters)) {
      this.#meanings.set(name, { verdict, labels });
      this.#seen.set(name, packets);
    }
  }

  /** Counters that somebody else removed or reset: what they counted after the reading before is not known. */
  get resets(): number {
    return this.#resets;
  }

  changesCompiled(changes: readonly ClusterChange[], { ruleLists, endpoints }: ProgramChange): void {
    for (const change of changes)
      if (change.kind === 'policy') {
        if (change.policy === undefined) this.#living.delete(policyKey(change.ref));
        else this.#living.add(policyKey(change.ref));
      }
    for (const { after } of ruleLists) if (after !== undefined) this.#learn(countersOfRuleList(after));
    for (const { after } of endpoints) if (after !== undefined) this.#learn(countersOfEndpoint(after));
  }

  /**
   * Adds by how much counters have grown since the reading before.
   * @param removing counters that are about to be removed: whose policies are not known, they count as `(others)`
   */
  add(reading: ReadonlyMap<string, number>, removing: readonly string[] = []): void {
    for (const name of removing) this.#meanWhatNameSays(name);
    for (const [name, before] of this.#seen) {
      const value = reading.get(name);
      if (value === undefined || value < before) this.#resets += 1;
      if (value === undefined) this.#seen.delete(name);
    }
    for (const [name, value] of reading) {
      const meaning = this.#meanings.get(name) ?? ofReasons.get(name);
      if (meaning === undefined) continue;
      const before = this.#seen.get(name) ?? 0;
      this.#seriesOf(meaning).packets += value >= before ? value - before : value;
      this.#seen.set(name, value);
    }
    // Now, when everything that the kernel holds has been seen.
    if (this.#meanings.size > this.#pruneAt) this.#prune();
  }

  /** These counters are gone; they may be created again. */
  forget(counters: readonly string[]): void {
    for (const name of counters) this.#seen.delete(name);
  }

  /** What is scraped. @param now milliseconds of a steady clock */
  packets(now: number): PolicyPackets {
    this.#addCurrent();
    const read = (verdict: Verdict): ReadonlyMap<string, number> => {
      const all = this.#series[verdict];
      if (verdict !== 'drop')
        for (const [labels, series] of all) if (this.#isOver(labels, series, now)) all.delete(labels);
      return new Map([...all].map(([labels, { packets }]) => [labels, packets]));
    };
    return {
      allow: read('allow'),
      deny: read('deny'),
      dryRunAllow: read('dryRunAllow'),
      dryRunDeny: read('dryRunDeny'),
      drop: read('drop'),
    };
  }

  saved(): SavedSeries {
    const packetsOf = (verdict: Verdict): Record<string, number> =>
      Object.fromEntries([...this.#series[verdict]].map(([labels, { packets }]) => [labels, packets]));
    const counters: Record<string, Meaning & { packets: number }> = {};
    for (const [name, packets] of this.#seen) {
      const meaning = this.#meanings.get(name) ?? ofReasons.get(name);
      if (meaning !== undefined) counters[name] = { ...meaning, packets };
    }
    return { series: Object.fromEntries(verdicts.map((verdict) => [verdict, packetsOf(verdict)])), counters };
  }

  #learn(named: Iterable<readonly [string, PolicyCounter]>): void {
    for (const [name, counter] of named) this.#meanings.set(name, meaningOf(counter));
  }

  #meanWhatNameSays(name: string): void {
    const counter = this.#meanings.has(name) ? undefined : unknownPolicyCounter(name);
    if (counter !== undefined) this.#meanings.set(name, meaningOf({ ...counter, policies: [others] }));
  }

  /** Policies have a series from the start; of the counters that a dry run may have, few exist. */
  #addCurrent(): void {
    for (const counter of policyCounters(this.#program()).values())
      if (counter.verdict === 'allow' || counter.verdict === 'deny') this.#seriesOf(meaningOf(counter));
  }

  #seriesOf({ verdict, labels }: Meaning): Series {
    const all = this.#series[verdict];
    const known = all.get(labels);
    if (known !== undefined) return known;
    if (all.size < mostSeries || labels.endsWith(` ${others}`)) {
      const series = { packets: 0 };
      all.set(labels, series);
      return series;
    }
    const [direction = ''] = labels.split(' ');
    return this.#seriesOf({ verdict, labels: `${direction} ${others}` });
  }

  #isOver(labels: string, series: Series, now: number): boolean {
    const [, policies = ''] = labels.split(' ');
    if (policies === others || policies.split(',').every((policy) => this.#living.has(policy))) {
      delete series.endedAt;
      return false;
    }
    series.endedAt ??= now;
    return series.packets === 0 || now - series.endedAt > endedKept;
  }

  #prune(): void {
    const current = policyCounters(this.#program());
    for (const name of this.#meanings.keys())
      if (!current.has(name) && !this.#seen.has(name)) this.#meanings.delete(name);
    this.#pruneAt = 2 * this.#meanings.size + spareMeanings;
  }
}

const meaningOf = ({ verdict, direction, policies }: PolicyCounter): Meaning => ({
  verdict,
  labels: `${direction} ${policies.join(',')}`,
});
