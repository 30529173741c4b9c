import { isRefusal, NftError, type Nftables } from '../../nftables/language/nftables.js';
import { parseCounters, parseCountersText, parseHookDevices } from '../../nftables/language/listing.js';
import type { MutableRuleset } from '../../nftables/language/mutable-ruleset.js';
import type { Ruleset, TableName } from '../../nftables/language/types.js';
import type { Transaction } from '../../nftables/language/command.js';
import { encodeBatch } from '../elements/batch.js';
import type { ElementWriter } from '../elements/element-writer.js';
import { SetForms } from '../elements/set-forms.js';
import { hasTitles, supportedComments } from './comment-support.js';
import { isNoTable, nftErrorFrom } from './nft-errors.js';
import { transactionToJson } from '../../nftables/language/command-json.js';
import { printTransaction, type Syntax } from '../../nftables/language/command-text.js';
import { runNft, runTransaction, type NftCommand, type Source } from './nft-process.js';
import { NftShell } from './nft-shell.js';
import { OwnCommits } from './own-commits.js';
import { listTable } from './table-lister.js';

interface NftClientOptions {
  /** Default `['nft']`; a prefix enters another network namespace. */
  readonly command?: NftCommand;
  /** The long-lived nft ended, and why; transactions go on. */
  readonly onRestart?: (why: string) => void;
  /** In the same network namespace. Without it all goes by nft. */
  readonly elements?: Omit<ElementWriter, keyof AsyncDisposable>;
}

export interface NftClient extends Nftables {
  readonly command: NftCommand;
  /** By which a monitor knows what this client has changed. */
  readonly ownCommits: OwnCommits;
  /**
   * Commits nothing but a mark, for those who follow our commits; `not yet` before there is a table of ours.
   * @throws NftError where nft fails
   */
  commitMark(): Promise<'committed' | 'no table' | 'not yet'>;
  /** Packets of every named counter of our tables. */
  counters(): Promise<ReadonlyMap<string, number>>;
}

/** A longer text goes to a process of its own, which need not share its memory with the long-lived one. Bytes. */
const longestText = 2_000_000;
/** When the long-lived nft dies this often within the period (milliseconds), one process per transaction is used. */
const deathsTolerated = 3;
const deathPeriod = 10_000;
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
  readonly ownCommits = new OwnCommits();
  readonly #elements: NftClientOptions['elements'];
  readonly #forms = new SetForms();
  #shell: NftShell | undefined;
  #hasTable = false;
  #deaths: number[] = [];
  #queue: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Whether the long-lived nft prints whole listings, as we read them, as soon as it has made them. */
  #shellLists = true;
  #keysBy: Syntax['keysBy'] = 'type';
  /** Found before the first transaction that has a title: none may fail for a comment. */
  #commented: Syntax['commented'] | undefined;

  constructor(options: NftClientOptions) {
    this.command = options.command ?? ['nft'];
    this.#onRestart = options.onRestart ?? (() => undefined);
    this.#elements = options.elements;
  }

  async probe(): Promise<void> {
    const { stdout } = await runNft(this.command, ['--version']);
    const [major = 0, minor = 0, patch = 0] = (/v(\d+)\.(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number);
    const version = major * 1e6 + minor * 1e3 + patch;
    if (version < 1_000_001)
      throw new NftError(
        'too-old',
        `nft ${major}.${minor}.${patch} is too old: 1.0.1 or newer is needed (apt-get install nftables)`,
      );
    if (version >= 1_001_000) this.#keysBy = 'typeof';
    const { exitCode, stderr } = await runNft(this.command, ['list', 'tables']);
    if (exitCode !== 0) throw nftErrorFrom(stderr);
  }

  check(transaction: Transaction, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async () =>
      runTransaction(this.command, await this.#sourceOf(transaction), { checkOnly: true }),
    );
  }

  apply(transaction: Transaction, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(signal, async () => {
      const { marked, refused } = this.ownCommits.mark(transaction);
      const since = performance.now();
      try {
        if (!(await this.#writeElements(marked))) await this.#commit(await this.#sourceOf(marked));
        this.#forms.applied(transaction);
        this.#hasTable ||= transaction.family === 'inet';
        if (marked !== transaction) this.ownCommits.committed(since);
      } catch (error) {
        if (isRefusal(error)) refused();
        throw error;
      }
    });
  }

  async commitMark(): Promise<'committed' | 'no table' | 'not yet'> {
    if (!this.#hasTable) return 'not yet';
    try {
      await this.apply({ family: 'inet', table: 'podwall', effect: 'none', commands: [] });
      return 'committed';
    } catch (error) {
      if (error instanceof NftError && isNoTable(error.message)) return 'no table';
      throw error;
    }
  }

  /** @returns false, and nothing changed: nft has to do it, or to say why it cannot be done. */
  async #writeElements(transaction: Transaction): Promise<boolean> {
    if (this.#elements === undefined) return false;
    const batch = encodeBatch(transaction, (set) => this.#forms.of(transaction, set));
    return batch !== undefined && this.#elements.write(batch);
  }

  async #commit(source: Source): Promise<void> {
    const fits = source.format === 'text' && source.content.length <= longestText;
    const shell = fits ? this.#readyShell() : undefined;
    if (shell !== undefined && (await shell.apply(source.content))) return;
    await runTransaction(this.command, source, { checkOnly: false });
  }

  /** Beside transactions, so that none waits for it. */
  async list(table: TableName, known?: Ruleset): Promise<MutableRuleset | undefined> {
    const ruleset = await listTable(this.command, table, this.#elements, known);
    this.#forms.listed(table.family, ruleset);
    return ruleset;
  }

  async hookDevices(table: TableName): Promise<ReadonlyMap<string, string>> {
    const { stdout, stderr, exitCode } = await runNft(this.command, ['list', 'chains', table.family]);
    if (exitCode !== 0) throw nftErrorFrom(stderr);
    return parseHookDevices(stdout, table);
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
      const table = { family, table: 'podwall' } as const;
      const read = (await this.#elements?.counters(table)) ?? (await this.#countersByShell(table));
      if (read !== undefined) return read;
      const command = ['-j', 'list', 'counters', 'table', family, table.table];
      const { stdout, stderr, exitCode } = await runNft(this.command, command);
      if (exitCode === 0) return parseCounters(stdout);
      if (isNoTable(stderr)) return new Map();
      throw nftErrorFrom(stderr);
    });
  }

  /** By the nft that runs already, where there is one: a process would cost ten times as much. */
  async #countersByShell(table: TableName): Promise<ReadonlyMap<string, number> | undefined> {
    if (!this.#shellLists || this.#shell?.isDead !== false) return undefined;
    const shell = this.#readyShell();
    if (shell === undefined) return undefined;
    try {
      const printed = await shell.list('counters', table);
      const counters = printed === undefined ? undefined : parseCountersText(printed);
      this.#shellLists = counters !== undefined;
      return counters;
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      // Without a table there are none; of anything else another nft is asked.
      return isNoTable(error.message) ? new Map() : undefined;
    }
  }

  async #sourceOf(transaction: Transaction): Promise<Source> {
    if (this.#commented === undefined && hasTitles(transaction))
      this.#commented = await supportedComments((text) => this.#accepts(text));
    const syntax = { commented: this.#commented ?? new Set(), keysBy: this.#keysBy };
    const content = printTransaction(transaction, syntax);
    return content === undefined
      ? { format: 'json', content: JSON.stringify(transactionToJson(transaction)) }
      : { format: 'text', content };
  }

  async #accepts(content: string): Promise<boolean> {
    try {
      await runTransaction(this.command, { format: 'text', content }, { checkOnly: true });
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
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
    return this.#shell;
  }
}
