import { execa } from 'execa';
import { NftError } from '../../nftables/language/nftables.js';
import type { NftClient } from '../nft/nft-client.js';
import type { Restart } from '../children/restart.js';
import { SignOfLife } from '../children/sign-of-life.js';
import { isMark } from '../nft/own-commits.js';

export interface ForeignChange {
  /** The first event that named our table. */
  readonly text: string;
  /** The process that made the change, as the kernel names it: `1234 (nft)`. */
  readonly process?: string;
}

export interface MonitorOptions {
  /** Its own commits are not foreign. */
  readonly client: Pick<NftClient, 'command' | 'ownCommits' | 'commitMark'>;
  readonly onForeignChange: (change: ForeignChange) => void;
  readonly onRestart?: (restart: Restart) => void;
}

/** A commit of our own that must be heard. That there is no table any more is news by itself. */
export async function makeSign({ client, onForeignChange }: MonitorOptions): Promise<boolean> {
  try {
    const made = await client.commitMark();
    if (made === 'no table') onForeignChange({ text: 'table inet podwall is missing' });
    return made === 'committed';
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    // That nft fails is reported by whoever needs it.
    return false;
  }
}

const ours = /\b(inet|netdev) podwall\b/;
const newCounter = /^add counter (?:inet|netdev) podwall (\S+)/;
/** Milliseconds. A monitor that keeps ending is started again ever later. */
const restartAfter = 500;
const restartAtMost = 10_000;
/** Milliseconds from its start: what changes before it listens is found by the reading that the report asks for. */
const subscribesWithin = 200;
/**
 * Milliseconds between two reports of what nft could not print, and between two restarts because of it: a set that it does
 * not know, for example, which it may have missed while it started.
 */
const complaintsEvery = 2_000;
const restartForComplaintEvery = 60_000;
/**
 * In characters. nft 1.0.6 can print an endless event of zeros, hundreds of megabytes of them. No line of our tables is
 * nearly as long as this.
 */
const longestLine = 1 << 20;

/**
 * Where the kernel's events cannot be read (see `watchTables`). Follows `nft monitor` and reports every transaction by another process that changed our tables. Each ends with a line that
 * names the process; ours are known by their mark. The kernel reports a commit as a whole, so that none stands within another.
 * Elements that packets add to sets raise no event.
 */
export function monitorTables(options: MonitorOptions): Disposable {
  const monitor = new Monitor(options);
  monitor.start();
  return monitor;
}

function startMonitor([file = 'nft', ...prefix]: readonly string[]) {
  return execa(file, [...prefix, 'monitor'], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    reject: false,
    buffer: false,
    env: { LC_ALL: 'C' },
  });
}

class Monitor implements Disposable {
  readonly #options: MonitorOptions;
  #child: ReturnType<typeof startMonitor> | undefined;
  #rest = '';
  /** Of the transaction that is being read: its first event in our tables, and the marks in it. */
  #firstEvent: string | undefined;
  #marks: string[] = [];
  #restart: NodeJS.Timeout | undefined;
  #restartDelay = restartAfter;
  #startedAt = 0;
  #report: NodeJS.Timeout | undefined;
  #restartedForComplaint = -Infinity;
  /** Why it is ended by us. */
  #reason: Restart['reason'] = 'ended';
  readonly #sign: SignOfLife;
  readonly #commits: Disposable;
  #disposed = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#sign = new SignOfLife({ make: () => makeSign(options), onSilent: () => this.#kill('silent') });
    this.#commits = options.client.ownCommits.onCommit((since) => this.#sign.expect(since));
  }

  start(): void {
    this.#rest = '';
    this.#firstEvent = undefined;
    this.#marks = [];
    this.#startedAt = performance.now();
    const child = startMonitor(this.#options.client.command);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => {
      this.#sign.heard();
      this.#read(chunk);
    });
    child.stderr.on('data', () => {
      this.#sign.heard();
      if (!child.killed) this.#complained();
    });
    this.#child = child;
    this.#sign.begin();
    void child.then(() => this.#ended());
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#restart);
    clearTimeout(this.#report);
    this.#sign[Symbol.dispose]();
    this.#commits[Symbol.dispose]();
    // One that is stopped does not hear SIGTERM.
    this.#child?.kill('SIGKILL');
  }

  #kill(reason: Restart['reason']): void {
    this.#reason = reason;
    this.#child?.kill('SIGKILL');
  }

  #read(chunk: string): void {
    // A growing line is not searched again with every chunk.
    if (!chunk.includes('\n')) this.#rest += chunk;
    else {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#readLine(line);
    }
    if (this.#rest.length > longestLine) {
      this.#rest = '';
      this.#kill('unreadable');
    }
  }

  #readLine(line: string): void {
    // The kernel had more events than the monitor has read.
    if (line.startsWith('# ERROR')) this.#kill('unreadable');
    const end = /^# new generation \d+ by process (\d+) \((.*)\)/.exec(line);
    if (end === null) {
      if (!ours.test(line)) return;
      this.#firstEvent ??= line;
      const [, counter] = newCounter.exec(line) ?? [];
      if (counter !== undefined && isMark(counter)) this.#marks.push(counter);
      return;
    }
    const [text, marks] = [this.#firstEvent, this.#marks];
    this.#firstEvent = undefined;
    this.#marks = [];
    const [, pid = '', name = ''] = end;
    if (text === undefined || this.#options.client.ownCommits.isOwn(marks)) return;
    this.#options.onForeignChange({ text, process: `${pid} (${name})` });
  }

  /** Something happened that nft could not print: it may have been in our tables. */
  #complained(): void {
    if (this.#disposed) return;
    const now = performance.now();
    if (now - this.#restartedForComplaint > restartForComplaintEvery) {
      this.#restartedForComplaint = now;
      this.#kill('unreadable');
      return;
    }
    this.#reportLater('nft monitor could not print an event', complaintsEvery);
  }

  #reportLater(text: string, milliseconds: number): void {
    this.#report ??= setTimeout(() => {
      this.#report = undefined;
      this.#options.onForeignChange({ text });
    }, milliseconds);
  }

  /** Changes while no monitor ran are unknown: they count as foreign until the tables are read. */
  #ended(): void {
    if (this.#disposed || this.#restart !== undefined) return;
    this.#sign.end();
    this.#options.onRestart?.({ child: 'nft monitor', reason: this.#reason });
    this.#reason = 'ended';
    const wasShort = performance.now() - this.#startedAt < restartAtMost;
    const delay = wasShort ? this.#restartDelay : restartAfter;
    this.#restartDelay = Math.min(delay * 2, restartAtMost);
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.start();
      this.#reportLater('nft monitor was restarted', subscribesWithin);
    }, delay);
  }
}
