import { execa } from 'execa';
import type { NftClient } from './nft-client.js';

export interface ForeignChange {
  /** The first event that named our table. */
  readonly text: string;
  /** Who did it, as the kernel tells: `1234 (nft)`. */
  readonly process?: string;
}

interface WatchOptions {
  /** Its own processes' changes are not foreign. */
  readonly client: Pick<NftClient, 'command' | 'isOwnProcess'>;
  readonly onForeignChange: (change: ForeignChange) => void;
}

const ours = /\b(inet|netdev) podwall\b/;
const restartAfter = 500;
/**
 * nft 1.0.6 was seen to print some event as zeros without end, hundreds of megabytes of them. No line of ours is nearly
 * as long as this, in characters.
 */
const longestLine = 1 << 20;

/**
 * Follows `nft monitor` and tells of every transaction by others that touched our tables. Its text form names the process
 * at the end of each transaction; elements that packets add to sets raise no event.
 */
export function watchTables(options: WatchOptions): Disposable {
  const monitor = new Monitor(options);
  monitor.start();
  return monitor;
}

function startMonitor([file = 'nft', ...prefix]: readonly string[]) {
  return execa(file, [...prefix, 'monitor'], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    reject: false,
    buffer: false,
    env: { LC_ALL: 'C' },
  });
}

class Monitor implements Disposable {
  readonly #options: WatchOptions;
  #child: ReturnType<typeof startMonitor> | undefined;
  #rest = '';
  #firstEvent: string | undefined;
  #restart: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.#rest = '';
    this.#firstEvent = undefined;
    const child = startMonitor(this.#options.client.command);
    child.stdout.setEncoding('utf8');
    child.stdout.on('data', (chunk: string) => this.#read(chunk));
    this.#child = child;
    void child.then(() => this.#ended());
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    clearTimeout(this.#restart);
    this.#child?.kill('SIGTERM');
  }

  #read(chunk: string): void {
    // A line that grows is not looked through again with every chunk.
    if (!chunk.includes('\n')) this.#rest += chunk;
    else {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#readLine(line);
    }
    if (this.#rest.length > longestLine) {
      this.#rest = '';
      this.#child?.kill('SIGKILL');
    }
  }

  #readLine(line: string): void {
    const end = /^# new generation \d+ by process (\d+) \((.*)\)/.exec(line);
    if (end === null) {
      if (ours.test(line)) this.#firstEvent ??= line;
      return;
    }
    const text = this.#firstEvent;
    this.#firstEvent = undefined;
    const [, pid = '', name = ''] = end;
    if (text === undefined || this.#options.client.isOwnProcess(Number(pid))) return;
    this.#options.onForeignChange({ text, process: `${pid} (${name})` });
  }

  /** What happened while nobody listened is unknown: it must be looked for. */
  #ended(): void {
    if (this.#disposed || this.#restart !== undefined) return;
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.start();
      this.#options.onForeignChange({ text: 'nft monitor was restarted' });
    }, restartAfter);
  }
}
