import { execa } from 'execa';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { nftErrorFrom } from './nft-errors.js';
import type { NftCommand } from './nft-process.js';
import { ScratchFile } from './scratch-file.js';
import { limitTime } from './time-limit.js';
import { NftError } from '../../nftables/language/nftables.js';
import type { TableName } from '../../nftables/language/types.js';

/** What it inherits as descriptor 3. */
const include = 'include "/proc/self/fd/3"';

/** Starts the shell; nothing is buffered, since it may live for months. */
function startShell([file = 'nft', ...prefix]: NftCommand, transaction: number) {
  return execa(file, [...prefix, '-i'], {
    // Any number will do: the types only know the first ones.
    stdio: ['pipe', 'pipe', 'pipe', transaction as 3],
    reject: false,
    buffer: false,
    env: { LC_ALL: 'C' },
  });
}

/** Milliseconds from the end of a listing to its last line. */
const listingWithin = 200;
/** Characters. */
const longestListing = 1 << 26;

interface Waiting {
  readonly marker: string;
  readonly settle: (error: NftError | undefined) => void;
}

/**
 * A long-lived `nft -i`: ten times cheaper per transaction than a process. It reads its command line byte by byte, so the
 * transaction is in a file that it includes. It reports no status, so a word follows that is no command: nft names it in a
 * syntax error, and what is on stderr before that is the transaction's own error.
 */
export class NftShell {
  readonly #transaction = ScratchFile.open();
  /** Nothing that a transaction holds, and an error may quote, can be it. */
  readonly #marker = `ack-${randomBytes(8).toString('hex')}`;
  readonly #child: ReturnType<typeof startShell>;
  readonly #ended: (why: string) => void;
  #stderr = '';
  #waiting: Waiting | undefined;
  /** What was printed of a listing; undefined while none is asked for. */
  #listing: string | undefined;
  #count = 0;
  #dead = false;

  /** @param ended called once, when the process has ended for whatever reason */
  constructor(command: NftCommand, ended: (why: string) => void) {
    this.#ended = ended;
    this.#child = startShell(command, this.#transaction.descriptor);
    this.#child.stdout.setEncoding('utf8');
    this.#child.stdout.on('data', (chunk: string) => this.#readListing(chunk));
    this.#child.stderr.setEncoding('utf8');
    this.#child.stderr.on('data', (chunk: string) => this.#read(chunk));
    this.#child.stdin.on('error', (error) => this.#end(error.message));
    void this.#child.then((result) => {
      this.#transaction.close();
      this.#end(result.shortMessage ?? 'nft -i ended');
    });
  }

  /** Transactions and listings so far. */
  get transactions(): number {
    return this.#count;
  }

  get isDead(): boolean {
    return this.#dead;
  }

  /**
   * Applies one transaction. When the process dies before it answers, the outcome is unknown.
   * @returns false when its text cannot be written, for want of room for example: nothing was done, and another nft has to do it
   */
  async apply(text: string): Promise<boolean> {
    if (this.#dead || this.#waiting !== undefined)
      throw new NftError('failed', 'nft -i is not ready for a transaction');
    // All of it: half a transaction would be one too.
    if (!this.#transaction.write(Buffer.from(text))) return false;
    const error = await this.#answer(include);
    if (error !== undefined) throw error;
    return true;
  }

  /**
   * What a table has of one kind of object, as nft prints it; undefined when that is not whole, so that another nft must be
   * asked.
   * @param kind for example `counters`
   */
  async list(kind: string, { family, table }: TableName): Promise<string | undefined> {
    if (this.#dead || this.#waiting !== undefined) throw new NftError('failed', 'nft -i is not ready for a listing');
    this.#listing = '';
    try {
      const error = await this.#answer(`list ${kind} table ${family} ${table}`);
      if (error !== undefined) throw error;
      // What it says on its two outputs may be heard in either order.
      const deadline = performance.now() + listingWithin;
      while (!this.#listing.endsWith('\n}\n') && performance.now() < deadline) await pause(1);
      return this.#listing.endsWith('\n}\n') ? this.#listing : undefined;
    } finally {
      this.#listing = undefined;
    }
  }

  #readListing(chunk: string): void {
    if (this.#listing === undefined) return;
    this.#listing += chunk;
    if (this.#listing.length > longestListing) this.#giveUp('listed more than is believed');
  }

  /** What nft says to a line, when it has read it. */
  #answer(line: string): Promise<NftError | undefined> {
    this.#count += 1;
    const marker = `${this.#marker}-${this.#count}`;
    return new Promise((resolve) => {
      const limit = limitTime(this.#child.pid, (why) => this.#giveUp(why));
      const settle = (outcome: NftError | undefined): void => {
        limit[Symbol.dispose]();
        this.#waiting = undefined;
        resolve(outcome);
      };
      this.#waiting = { marker, settle };
      this.#child.stdin.write(`${line}\n${marker}\n`);
    });
  }

  async close(): Promise<void> {
    this.#dead = true;
    this.#child.stdin.end();
    this.#child.kill('SIGTERM');
    await this.#child;
  }

  #read(chunk: string): void {
    this.#stderr += chunk;
    const { marker } = this.#waiting ?? {};
    if (marker === undefined) return;
    // The syntax error names the marker in its message or in the line it quotes; both end with a caret line.
    const at = this.#stderr.indexOf(marker);
    if (at < 0) return;
    const before = this.#stderr.slice(0, this.#stderr.lastIndexOf('\n', at) + 1);
    const own = ownErrors(before);
    this.#stderr = '';
    this.#waiting?.settle(own === '' ? undefined : nftErrorFrom(own));
  }

  #giveUp(why: string): void {
    this.#child.kill('SIGKILL');
    this.#end(`nft -i ${why}`, 'timed-out');
  }

  #end(why: string, reason: NftError['reason'] = 'failed'): void {
    if (this.#dead && this.#waiting === undefined) return;
    const first = !this.#dead;
    this.#dead = true;
    this.#waiting?.settle(new NftError(reason, `${why} in the middle of a transaction: its outcome is unknown`));
    if (first) this.#ended(why);
  }
}

/** What stood on stderr before the marker's own syntax error, which begins with the last `Error:` of the command line. */
function ownErrors(text: string): string {
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.startsWith('Error: '));
  return lines
    .slice(0, Math.max(last, 0))
    .filter((line) => line.trim() !== '' && !/^\^+$/.test(line.trim()) && !line.startsWith('In file included from'))
    .map((line) => line.replace(/^\/proc\/self\/fd\/3:[\d:-]+ /, ''))
    .join('\n');
}
