import type { Clock } from './clock.js';
import type { ReconcilerLog } from './types.js';

/**
 * Makes the frames of bridged pods reach our table.
 * @param onSet hears which setting was off
 * @returns a message when they do not reach it
 */
export type BridgeNetfilter = (onSet: (setting: string) => void) => Promise<string | undefined>;

interface BridgeWatchParts {
  readonly bridgeNetfilter: BridgeNetfilter;
  readonly clock: Clock;
  readonly log: ReconcilerLog;
}

interface BridgeWatchOptions {
  /** Whether frames reach our table has changed. */
  readonly onSettled: () => void;
  /** Another process had switched a setting off, which is on again. */
  readonly onSettingRepair: (setting: string) => void;
}

/** Milliseconds: nothing announces a change of these settings, and reading them costs microseconds. */
const readEvery = 250;

/** While pods of this node are on a bridge: looks whether their frames reach our table. */
export class BridgeWatch implements Disposable {
  readonly #parts: BridgeWatchParts;
  readonly #options: BridgeWatchOptions;
  #problem: string | undefined;
  /** Frames have reached our table since pods are on a bridge. */
  #hasHeld = false;
  #hasBridge = false;
  #isDisposed = false;
  #timer: Disposable | undefined;

  constructor(parts: BridgeWatchParts, options: BridgeWatchOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  /** Resolves when it has looked. */
  async follow(hasBridge: boolean): Promise<void> {
    this.#hasBridge = hasBridge;
    if (hasBridge) {
      await this.#look();
      return;
    }
    this.#timer?.[Symbol.dispose]();
    this.#problem = undefined;
    this.#hasHeld = false;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  async #look(): Promise<void> {
    const { bridgeNetfilter, clock, log } = this.#parts;
    const repaired: string[] = [];
    const problem = await bridgeNetfilter((setting) => repaired.push(setting));
    if (this.#isDisposed || !this.#hasBridge) return;
    if (this.#hasHeld) for (const setting of repaired) this.#options.onSettingRepair(setting);
    this.#hasHeld ||= problem === undefined;
    const before = this.#problem;
    this.#problem = problem;
    if (problem !== undefined && problem !== before) log.error({}, problem);
    if (problem === undefined && before !== undefined) log.info({}, 'frames between pods of a bridge reach the rules');
    this.#timer?.[Symbol.dispose]();
    this.#timer = clock.after(readEvery, () => void this.#lookAgain());
  }

  async #lookAgain(): Promise<void> {
    const before = this.#problem;
    await this.#look();
    if (this.#problem !== before) this.#options.onSettled();
  }
}
