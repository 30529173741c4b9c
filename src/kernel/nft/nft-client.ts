import { NftError, type Nftables } from '../../nftables/language/nftables.js';
import { parseCounters, parseTable } from '../../nftables/language/listing.js';
import type { MutableRuleset } from '../../nftables/language/mutable-ruleset.js';
import type { Transaction } from '../../nftables/language/command.js';
import { hasTitles, supportedComments } from './comment-support.js';
import { nftErrorFrom } from './nft-errors.js';
import { transactionToJson } from '../../nftables/language/command-json.js';
import { printTransaction, type Commented } from '../../nftables/language/command-text.js';
import { runNft, runTransaction, type NftCommand, type Source } from './nft-process.js';
import { NftShell } from './nft-shell.js';

interface NftClientOptions {
  /** Default `['nft']`; a prefix enters another network namespace. */
  readonly command?: NftCommand;
  /** The long-lived nft ended, and why; transactions go on. */
  readonly onRestart?: (why: string) => void;
}

/** A client of nft that knows the process ids of its own nft processes: a monitor ignores their changes. */
export interface NftClient extends Nftables {
  readonly command: NftCommand;
  isOwnProcess(pid: number): boolean;
  /** Packets of every named counter of our tables. */
  counters(): Promise<ReadonlyMap<string, number>>;
}

/** A longer text goes to a process of its own, which need not share its memory with the long-lived one. Bytes. */
const longestText = 2_000_000;
/** When the long-lived nft dies this often within the period (milliseconds), one process per transaction is used. */
const deathsTolerated = 3;
const deathPeriod = 10_000;
const ownProcesses = 200;
/** nft keeps every line of its command line for ever, and looks through them for each new one. */
export const transactionsPerShell = 1000;

/**
 * Opens a client. Checks that nft is installed, new enough (1.0.1) and permitted to change the tables.
 * @throws NftError with a sentence that says what to do
 */
export async function openNftClient(options: NftClientOptions): Promise<NftClient> {
  const client = new NftProcessClient(options);
  await client.probe();
  return client;
}

class NftProcessClient implements NftClient {
  readonly command: NftCommand;
  readonly #onRestart: (why: string) => void;
  readonly #pids = new Set<number>();
  #shell: NftShell | undefined;
  #deaths: number[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Found before the first transaction that has a title: none may fail for a comment. */
  #commented: Commented | undefined;

  constructor(options: NftClientOptions) {
    this.command = options.command ?? ['nft'];
    this.#onRestart = options.onRestart ?? (() => undefined);
  }

  async probe(): Promise<void> {
    const { stdout } = await runNft(this.command, ['--version'], this.#own);
    const [major = 0, minor = 0, patch = 0] = (/v(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
    if (major * 1e6 + minor * 1e3 + patch < 1_000_001)
      throw new NftError(
        'too-old',
        `nft ${major}.${minor}.${patch} is too old: 1.0.1 or newer is needed (apt-get install nftables)`,
      );
    const { exitCode, stderr } = await runNft(this.command, ['list', 'tables'], this.#own);
    if (exitCode !== 0) throw nftErrorFrom(stderr);
  }

  isOwnProcess(pid: number): boolean {
    return this.#pids.has(pid);
  }

  check(transaction: Transaction, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async () =>
      runTransaction(this.command, await this.#sourceOf(transaction), { checkOnly: true, onStart: this.#own }),
    );
  }

  apply(transaction: Transaction, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async () => {
      const source = await this.#sourceOf(transaction);
      const fits = source.format === 'text' && source.content.length <= longestText;
      const shell = fits ? this.#readyShell() : undefined;
      if (shell === undefined) await runTransaction(this.command, source, { checkOnly: false, onStart: this.#own });
      else await shell.apply(source.content);
    });
  }

  list(family: 'inet' | 'netdev', table: string, signal?: AbortSignal): Promise<MutableRuleset | undefined> {
    return this.#inTurn(signal, async () => {
      const { stdout, stderr, exitCode } = await runNft(
        this.command,
        ['-j', 'list', 'table', family, table],
        this.#own,
      );
      if (exitCode !== 0 && /No such file or directory/.test(stderr)) return undefined;
      if (exitCode !== 0) throw nftErrorFrom(stderr);
      return parseTable(stdout);
    });
  }

  async counters(): Promise<ReadonlyMap<string, number>> {
    const tables = await Promise.all([this.#countersOf('inet'), this.#countersOf('netdev')]);
    return new Map(tables.flatMap((counters) => [...counters]));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue.catch(() => undefined);
    await this.#shell?.close();
  }

  /** None when there is no such table. */
  #countersOf(family: 'inet' | 'netdev'): Promise<ReadonlyMap<string, number>> {
    return this.#inTurn(undefined, async () => {
      const command = ['-j', 'list', 'counters', 'table', family, 'podwall'];
      const { stdout, exitCode } = await runNft(this.command, command, this.#own);
      return exitCode === 0 ? parseCounters(stdout) : new Map<string, number>();
    });
  }

  async #sourceOf(transaction: Transaction): Promise<Source> {
    if (this.#commented === undefined && hasTitles(transaction))
      this.#commented = await supportedComments((text) => this.#accepts(text));
    const content = printTransaction(transaction, this.#commented);
    return content === undefined
      ? { format: 'json', content: JSON.stringify(transactionToJson(transaction)) }
      : { format: 'text', content };
  }

  async #accepts(content: string): Promise<boolean> {
    try {
      await runTransaction(this.command, { format: 'text', content }, { checkOnly: true, onStart: this.#own });
      return true;
    } catch (error) {
      if (error instanceof NftError && error.reason === 'refused') return false;
      throw error;
    }
  }

  /** One nft at a time: they would only wait for each other in the kernel. */
  #inTurn<T>(signal: AbortSignal | undefined, task: () => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new NftError('failed', 'the nft client is closed'));
    const turn = this.#queue.then(() => {
      signal?.throwIfAborted();
      return task();
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #own = (pid: number): void => {
    this.#pids.add(pid);
    const [oldest] = this.#pids;
    // The long-lived one is never the oldest for long: it is added again below.
    if (this.#pids.size > ownProcesses && oldest !== undefined) this.#pids.delete(oldest);
    const shellPid = this.#shell?.pid;
    if (shellPid !== undefined) this.#pids.add(shellPid);
  };

  #readyShell(): NftShell | undefined {
    if (this.#shell !== undefined && this.#shell.transactions >= transactionsPerShell) {
      void this.#shell.close();
      this.#shell = undefined;
    }
    if (this.#shell !== undefined && !this.#shell.isDead) return this.#shell;
    const now = performance.now();
    this.#deaths = this.#deaths.filter((death) => now - death < deathPeriod);
    if (this.#deaths.length >= deathsTolerated) return undefined;
    this.#shell = new NftShell(this.command, (why) => {
      this.#deaths.push(performance.now());
      if (!this.#closed) this.#onRestart(why);
    });
    if (this.#shell.pid !== undefined) this.#own(this.#shell.pid);
    return this.#shell;
  }
}
