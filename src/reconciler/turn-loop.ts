/**
 * Turns: how the changes of many namespaces share one nft.
 *
 *   queues --a slice of each--> compiler --> renderer --> small ones: one turn together, brought into force at once
 *                                                    \--> large ones: a turn each, a piece at a time
 *
 * After each round of small ones, one piece of one large turn: so a small change waits for one piece and one round, whatever
 * else there is to do, and large ones share the rest by the time that they take. nft and the kernel take about the same for
 * a transaction with one change as with fifty, so small ones go together.
 */
import type { ChangeQueue } from './change-queues.js';
import { ChangeQueues } from './change-queues.js';
import { sumOf } from '../generic/sum-of.js';
import type { ClusterChange } from '../model/cluster.js';
import { heaviestTransaction } from '../nftables/plan/batch.js';
import { TurnContent } from '../nftables/plan/turn-content.js';
import { isBlame } from '../nftables/language/nftables.js';
import { isDirty, type Dirty } from '../nftables/render/dirty.js';
import { otherEvents, type Clock } from './clock.js';
import { changeOf, LoopTurn, type CompiledSlice } from './loop-turn.js';
import type { TableChange } from './table-turn.js';
import type { PolicyTable } from './policy-table.js';
import { retryDelay } from './retry-delay.js';
import { Sweeper } from './sweeper.js';

/**
 * Milliseconds of compiling before what was compiled is applied: as long as applying takes, and `least` of work, whatever
 * else the machine has to do.
 */
const roundTime = { least: 10, most: 500 };
/** Weight of small slices in one turn: nft and the kernel take most of the time of a transaction whatever is in it. */
const mostJoined = heaviestTransaction / 2;
/** After this many failures in a row the kernel refuses a turn because of what is in it. */
const failuresBeforeQuarantine = 2;
/** After this many for any other reason, something is perhaps in the way that no reading shows. */
const failuresBeforeReplacement = 5;

/** A small slice, with what it brought when it was compiled. */
interface SmallSlice {
  readonly slice: CompiledSlice;
  readonly weight: number;
  readonly content: TurnContent;
}

export type Compiled = Omit<CompiledSlice, 'queue' | 'noticedAt'>;

interface TurnLoopParts {
  readonly clock: Clock;
  readonly table: PolicyTable;
  readonly compile: (changes: readonly ClusterChange[]) => Compiled;
  /** The changes that make policies of the turn, which the kernel refuses, fail closed. */
  readonly quarantine: (turn: LoopTurn) => Promise<readonly ClusterChange[]>;
  readonly onSwitched: (turn: LoopTurn) => void;
  /** These changes alter nothing in the kernel, or are in force. */
  readonly onInForce: (slices: readonly CompiledSlice[]) => void;
  /** The kernel refused what no policy is at fault for, so it held something else: all was replaced. */
  readonly onRepaired: () => void;
  /** @param attempt how often in a row */
  readonly onFailure: (error: unknown, attempt: number) => void;
}

export class TurnLoop {
  readonly queues: ChangeQueues;
  readonly #parts: TurnLoopParts;
  readonly #sweeper: Sweeper;
  /** On their way to the kernel. */
  readonly #turns = new Set<LoopTurn>();
  /** Of the first state, compiled so far. */
  readonly #first: CompiledSlice[] = [];
  #hasBegun = false;
  #isStopped = false;
  /** Milliseconds that it took to bring the small slices of a round into force: of the last one, or lately more. */
  #lastApplying = 0;

  constructor(parts: TurnLoopParts) {
    this.#parts = parts;
    this.#sweeper = new Sweeper(parts);
    this.queues = new ChangeQueues(parts.clock);
  }

  /** The first state is in the kernel, or on its way there. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  get isFailing(): boolean {
    return this.#sweeper.isFailing || [...this.#turns].some(({ failures }) => failures > 0);
  }

  /** Changes that are not in force yet. */
  get waiting(): number {
    const compiled = [...this.#first, ...[...this.#turns].flatMap(({ slices }) => slices)];
    return sumOf(this.queues.all(), ({ length }) => length) + sumOf(compiled, ({ changes }) => changes.length);
  }

  /** Milliseconds until there is something to do; undefined when there is not. */
  get pause(): number | undefined {
    const now = this.#parts.clock.now();
    const ready = [...this.#turns].filter(({ table }) => table.canAdvance);
    const pauses = ready.map(({ retryAt }) => Math.max(0, retryAt - now));
    const others = [this.#sweeper.pause, this.#isFirst ? undefined : this.queues.pause()];
    pauses.push(...others.filter((pause) => pause !== undefined));
    return pauses.length === 0 ? undefined : Math.min(...pauses);
  }

  /** The first state is on its way: other changes wait for it. */
  get #isFirst(): boolean {
    return [...this.#turns].some((turn) => turn.isFirst);
  }

  /** Lets a transaction in flight end, and begins no other. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Compiles everything that waits, as one turn to be. */
  async compileFirst(): Promise<void> {
    for (let [queue] = this.queues.all(); queue !== undefined; [queue] = this.queues.all()) {
      this.#first.push(this.#compileSlice(queue));
      await otherEvents();
    }
  }

  /** The first state's turn: `dirty` is everything in which the kernel differs. */
  beginFirst(dirty: Dirty): void {
    this.#hasBegun = true;
    this.#add(this.#first.splice(0), { dirty, effect: 'narrows' }).isFirst = true;
  }

  /** Somebody else has changed the kernel: a turn of no namespace puts it right. */
  repair(dirty: Dirty): void {
    this.#add([], { dirty, effect: 'narrows' });
  }

  /** Brings everything that was compiled into force by one transaction, whatever the kernel holds. */
  async replace(): Promise<void> {
    await this.#parts.table.replace(() => this.#switched());
  }

  /** The kernel has changed, or nft works again: what failed may do better now. */
  retryNow(): void {
    for (const turn of this.#turns) turn.retryAt = 0;
    this.#sweeper.retryNow();
  }

  /** One round: small changes, and one piece of what is large. */
  async run(): Promise<void> {
    const isFirst = this.#isFirst;
    const small = isFirst ? [] : await this.#takeSlices();
    const began = this.#parts.clock.now();
    for (const turn of small) await this.#attempt(turn, 'whole');
    if (small.length > 0) this.#lastApplying = Math.max(this.#parts.clock.now() - began, this.#lastApplying / 2);
    const next = this.#nextTurn();
    if (next !== undefined) await this.#attempt(next, isFirst ? 'first' : 'piece');
    else if (this.#sweeper.pause === 0 && !this.#parts.table.isUnknown) await this.#sweeper.step();
  }

  /** Where exceptions have been made for a while, and nothing fails. */
  renewCache(): Promise<void> {
    return this.#sweeper.renew();
  }

  #add(slices: readonly CompiledSlice[], change: TableChange = changeOf(slices), content?: TurnContent): LoopTurn {
    const turn = new LoopTurn(slices, this.#parts.table.begin(change, content), this.#parts.clock.now());
    for (const queue of turn.queues) queue.isBusy = true;
    this.#turns.add(turn);
    return turn;
  }

  /** Takes a slice of each queue, as long as the round lasts. @returns turns to bring into force at once, that narrow first */
  async #takeSlices(): Promise<readonly LoopTurn[]> {
    const { clock, table } = this.#parts;
    const began = clock.now();
    const small: SmallSlice[] = [];
    const turns: LoopTurn[] = [];
    const beginSmall = (): void => void turns.push(...this.#joined(small.splice(0)));
    let worked = 0;
    const most = Math.min(this.#lastApplying, roundTime.most);
    for (const queue of this.queues.ready()) {
      if (clock.now() - began >= most && worked >= roundTime.least) break;
      const before = clock.worked();
      const slice = this.#compileSlice(queue);
      worked += clock.worked() - before;
      if (isDirty(slice.dirty)) {
        const [content, weight] = [table.contentOf(slice), table.weightOf(slice)];
        if (weight <= table.pieceLimit && table.isFree(slice, content)) small.push({ slice, weight, content });
        else {
          // Turns begin in the order in which they were compiled.
          beginSmall();
          this.#add([slice], slice, content);
        }
      } else this.#parts.onInForce([slice]);
      await otherEvents();
    }
    beginSmall();
    return turns.sort((a, b) => narrowing(b) - narrowing(a));
  }

  /** Slices that fit one transaction go together. */
  #joined(small: readonly SmallSlice[]): readonly LoopTurn[] {
    const joined: SmallSlice[][] = [];
    let weight = Infinity;
    for (const one of small) {
      if (weight + one.weight > mostJoined) {
        joined.push([]);
        weight = 0;
      }
      joined.at(-1)?.push(one);
      weight += one.weight;
    }
    return joined.map((ones) => {
      const slices = ones.map(({ slice }) => slice);
      return this.#add(slices, changeOf(slices), TurnContent.merged(ones.map(({ content }) => content)));
    });
  }

  #compileSlice(queue: ChangeQueue): CompiledSlice {
    const { clock, compile } = this.#parts;
    const began = clock.now();
    const taken = queue.takeSlice();
    const compiled = compile(taken.map(({ change }) => change));
    queue.sliceTook(taken.length, clock.now() - began);
    this.queues.charge(queue, clock.now() - began);
    return { ...compiled, queue, noticedAt: Math.min(...taken.map(({ noticedAt }) => noticedAt)) };
  }

  /** A narrowing one first among those that have had as much. */
  #nextTurn(): LoopTurn | undefined {
    const now = this.#parts.clock.now();
    const ready = [...this.#turns].filter(({ retryAt, table }) => retryAt <= now && table.canAdvance);
    return ready.sort((a, b) => a.charge - b.charge || narrowing(b) - narrowing(a))[0];
  }

  async #attempt(turn: LoopTurn, how: 'whole' | 'piece' | 'first'): Promise<void> {
    const { clock, table } = this.#parts;
    // The next run reads the kernel first.
    if (table.isUnknown) return;
    const began = clock.now();
    try {
      if (turn.failures > 0) await this.#prepareRetry(turn);
      if (!turn.table.isSwitched) await this.#advance(turn, how);
      turn.failures = 0;
    } catch (error) {
      if (turn.table.isSwitched) throw error;
      this.#failed(turn, error);
    } finally {
      turn.applying += clock.now() - began;
      for (const queue of turn.queues) {
        queue.pacing.addWork(began);
        this.queues.charge(queue, clock.now() - began);
      }
    }
    // At once: it may have to swap the verdict cache again.
    if (turn.table.isSwitched) await this.#sweeper.step();
  }

  async #advance(turn: LoopTurn, how: 'whole' | 'piece' | 'first'): Promise<void> {
    const limits = { first: () => heaviestTransaction, whole: () => mostJoined, piece: undefined };
    const limit = limits[how];
    for (;;) {
      const progress = await this.#parts.table.advance(turn.table, () => this.#switched(), limit);
      if (progress !== 'built' || how === 'piece' || this.#isStopped) return;
    }
  }

  /** All turns whose verdicts are in force are done; a replacement of the whole table may have been several. */
  #switched(): void {
    for (const turn of [...this.#turns].filter(({ table }) => table.isSwitched)) {
      this.#turns.delete(turn);
      for (const queue of turn.queues) {
        queue.isBusy = false;
        queue.lastApplying = turn.applying;
      }
      this.#parts.onInForce(turn.slices);
      this.#parts.onSwitched(turn);
    }
  }

  #failed(turn: LoopTurn, error: unknown): void {
    turn.failures += 1;
    turn.lastError = error;
    turn.retryAt = this.#parts.clock.now() + retryDelay(turn.failures - 1);
    this.#parts.onFailure(error, turn.failures);
    if (isBlame(error) && turn.queues.size > 1 && !turn.isFirst) this.#split(turn);
  }

  /** Something in it is refused: what has nothing to do with that must not wait for it. */
  #split(turn: LoopTurn): void {
    this.#turns.delete(turn);
    const parts = [...turn.queues].map((queue) => turn.slices.filter((slice) => slice.queue === queue));
    const tables = this.#parts.table.split(turn.table, parts.map(changeOf));
    const now = this.#parts.clock.now();
    for (const [index, table] of tables.entries()) this.#turns.add(new LoopTurn(parts[index] ?? [], table, now));
  }

  async #prepareRetry(turn: LoopTurn): Promise<void> {
    const { quarantine, compile, clock, onRepaired } = this.#parts;
    for (const queue of turn.isFirst ? this.queues.all() : turn.queues)
      if (queue.length > 0) this.#extend(turn, this.#compileSlice(queue));
    if (!isBlame(turn.lastError)) {
      if (turn.failures > failuresBeforeReplacement) await this.replace();
      return;
    }
    if (turn.failures <= failuresBeforeQuarantine) return;
    const changes = await quarantine(turn);
    if (changes.length === 0) {
      await this.replace();
      onRepaired();
    } else this.#extend(turn, { ...compile(changes), queue: undefined, noticedAt: clock.now() });
  }

  #extend(turn: LoopTurn, slice: CompiledSlice): void {
    turn.slices.push(slice);
    this.#parts.table.extend(turn.table, slice);
  }
}

/** To sort by: what may narrow goes first. */
const narrowing = ({ table }: LoopTurn): number => Number(table.effect === 'narrows');
