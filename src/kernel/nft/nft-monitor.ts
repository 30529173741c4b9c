import { execa } from 'execa';
import type { NftClient } from './nft-client.js';

export interface ForeignChange {
  /** The first event that named our table. */
  readonly text: string;
  /** The process that made the change, as the kernel names it: `1234 (nft)`. */
  readonly process?: string;
}

interface WatchOptions {
  /** Changes by its own processes are not foreign. */
  readonly client: Pick<NftClient, 'command' | 'isOwnProcess'>;
  readonly onForeignChange: (change: ForeignChange) => void;
}

const ours = /\b(inet|netdev) podwall\b/;
const restartAfter = 500;
/**
 * In characters. nft 1.0.6 can print an endless event of zeros, hundreds of megabytes of them. No line of our tables is
 * nearly as long as this.
 */
const longestLine = 1 << 20;

/**
 * Follows `nft monitor` and reports every transaction by another process that changed our tables. Its text form names the
 * process at the end of each transaction. Elements that packets add to sets raise no event.
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
    // A growing line is not searched again with every chunk.
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

  /** Changes while no monitor ran are unknown: they count as foreign until the tables are read. */
  #ended(): void {
    if (this.#disposed || this.#restart !== undefined) return;
    this.#restart = setTimeout(() => {
      this.#restart = undefined;
      this.start();
      this.#options.onForeignChange({ text: 'nft monitor was restarted' });
    }, restartAfter);
  }
}
