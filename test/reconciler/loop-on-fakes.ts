/** The whole loop of one node on the fake nft, with time and changes in the hand of a test. */
import { Compiler, compile } from '../../src/compiler/compiler.js';
import type { SourceChange, SyncedCluster } from '../../src/cluster/types.js';
import { changeKey, snapshotOf, type ClusterChange, type ClusterSnapshot } from '../../src/model/cluster.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { isDirty } from '../../src/nftables/render/dirty.js';
import { render, Renderer } from '../../src/nftables/render/renderer.js';
import { Reconciler } from '../../src/reconciler/reconciler.js';
import { FakeNftables } from '../support/fake-nftables.js';
import { ManualClock } from '../support/manual-clock.js';

const scope = { scope: { node: 'n1' } } as const;

export class Loop implements SyncedCluster {
  readonly nft = new FakeNftables();
  readonly clock = new ManualClock();
  readonly lines: { readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[] = [];
  readonly #state = new Map<string, ClusterChange>();
  readonly reconciler: Reconciler;
  #listener: (change: SourceChange) => void = () => undefined;

  constructor(...start: readonly ClusterChange[]) {
    for (const one of start) this.#state.set(changeKey(one), one);
    const write = (fields: Readonly<Record<string, unknown>>, message: string): void =>
      void this.lines.push({ fields, message });
    const log = { info: write, warn: write, error: write, debug: write };
    const links = {
      discover: () => Promise.resolve({ attachments: [], unattached: [] }),
      devices: () => Promise.resolve(new Map<string, number>()),
      tunnelPorts: () => Promise.resolve(new Set<number>()),
    };
    const [compiler, renderer] = [new Compiler(scope), new Renderer({ established: 'reevaluate' })];
    const bridgeNetfilter = (): Promise<undefined> => Promise.resolve(undefined);
    const { nft: nftables, clock } = this;
    const parts = { cluster: this, compiler, renderer, render: rendered, nftables, links, bridgeNetfilter, clock, log };
    this.reconciler = new Reconciler(parts, { sourceGuard: true, readBackEvery: 60_000 });
    this.reconciler.start();
  }

  snapshot(): ClusterSnapshot {
    return snapshotOf([...this.#state.values()]);
  }

  onChange(listener: (change: SourceChange) => void): Disposable {
    this.#listener = listener;
    return { [Symbol.dispose]: () => (this.#listener = () => undefined) };
  }

  onProblems(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  staleSince(): undefined {
    return undefined;
  }

  problems(): readonly never[] {
    return [];
  }

  push(...changes: readonly ClusterChange[]): void {
    for (const change of changes) {
      if (change.kind in change) this.#state.set(changeKey(change), change);
      else this.#state.delete(changeKey(change));
    }
    this.#listener({ changes, noticedAt: this.clock.now() });
  }

  get isConverged(): boolean {
    return !isDirty(findDrift(rendered(this.snapshot()), this.nft.ruleset));
  }

  /** Nothing waits, and nothing is to be tried again. */
  get isIdle(): boolean {
    const { waiting, lastError } = this.reconciler.status();
    return waiting === 0 && lastError === undefined && this.reconciler.busySince === undefined;
  }

  get applied(): number {
    return this.lines.filter(({ message }) => message === 'applied').length;
  }

  enforced(): string[] | undefined {
    return this.reconciler.enforced()?.map(({ namespace, name }) => `${namespace}/${name}`);
  }

  isolates(address: string): boolean {
    return this.nft.ruleset.sets.get('isolated-in4')?.elements.has(address) === true;
  }

  [Symbol.dispose](): void {
    this.#listener = () => undefined;
  }
}

const rendered = (snapshot: ClusterSnapshot) => render(compile(snapshot, scope), { established: 'reevaluate' });

export const settle = async (turns = 300): Promise<void> => {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
};
