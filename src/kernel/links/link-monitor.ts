import { execa } from 'execa';
import type { Restart } from '../children/restart.js';
import { SignOfLife } from '../children/sign-of-life.js';

interface WatchOptions {
  /** Enters another network namespace, in tests. */
  readonly prefix?: readonly string[];
  /** Whether neighbour events matter now: a busy node has many, and only silent pods are found by them. */
  readonly neighbours?: () => boolean;
  readonly onRestart?: (restart: Restart) => void;
}

/** Milliseconds until `ip monitor` is started again. */
const restartAfter = 500;
/** Milliseconds. Events come in bursts: a burst is one wake-up. */
const wakeAfter = 20;

/**
 * A route that no packet meets: in a table of its own, which no rule names. It comes and goes within one command, and
 * `ip monitor` prints both.
 */
const signTable = '1886348407';
const signRoute = `blackhole 192.0.2.1 table ${signTable}`;
/** Milliseconds: the kernel's lock can be held for long. */
const signWithin = 10_000;

/** Runs `ip monitor` as a wake-up only: it prints text even with -j, so the links are read again after each event. */
export function watchLinks(onWake: () => void, options: WatchOptions = {}): Disposable {
  const monitor = new LinkMonitor(onWake, options);
  monitor.start();
  return monitor;
}

class LinkMonitor implements Disposable {
  readonly #onWake: () => void;
  readonly #options: WatchOptions;
  readonly #sign: SignOfLife;
  #child: ReturnType<typeof startMonitor> | undefined;
  #wakeTimer: NodeJS.Timeout | undefined;
  #restartTimer: NodeJS.Timeout | undefined;
  #reason: Restart['reason'] = 'ended';
  #isDisposed = false;

  constructor(onWake: () => void, options: WatchOptions) {
    this.#onWake = onWake;
    this.#options = options;
    this.#sign = new SignOfLife({ make: () => makeSign(options.prefix ?? []), onSilent: () => this.#killSilent() });
  }

  start(): void {
    const { prefix = [], neighbours = () => true } = this.#options;
    const child = startMonitor(prefix);
    child.stdout.on('data', (text: Buffer) => {
      this.#sign.heard();
      const lines = text.toString().split('\n');
      if (lines.some((line) => isNews(line, neighbours()))) this.#wake();
    });
    this.#child = child;
    this.#sign.begin();
    void child.then(() => this.#ended());
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#wakeTimer);
    clearTimeout(this.#restartTimer);
    this.#sign[Symbol.dispose]();
    // One that is stopped does not hear SIGTERM.
    this.#child?.kill('SIGKILL');
  }

  #wake(): void {
    this.#wakeTimer ??= setTimeout(() => {
      this.#wakeTimer = undefined;
      this.#onWake();
    }, wakeAfter);
  }

  #killSilent(): void {
    this.#reason = 'silent';
    this.#child?.kill('SIGKILL');
  }

  #ended(): void {
    if (this.#isDisposed) return;
    this.#sign.end();
    this.#options.onRestart?.({ child: 'ip monitor', reason: this.#reason });
    this.#reason = 'ended';
    this.#restartTimer = setTimeout(() => {
      this.start();
      // Events were missed meanwhile.
      this.#wake();
    }, restartAfter);
  }
}

async function makeSign(prefix: readonly string[]): Promise<boolean> {
  const [file, ...args] = [...prefix, 'ip', '-batch', '-'];
  const input = `route replace ${signRoute}\nroute del ${signRoute}\n`;
  const { failed } = await execa(file, args, { input, reject: false, timeout: signWithin, env: { LC_ALL: 'C' } });
  return !failed;
}

/** Of the neighbour events only answers count: requests raise events as well. */
const isNews = (line: string, neighbours: boolean): boolean =>
  line.startsWith('[NEIGH]')
    ? neighbours && line.includes(' lladdr ') && !line.startsWith('[NEIGH]Deleted')
    : line !== '' && !line.includes(` table ${signTable} `);

function startMonitor(prefix: readonly string[]) {
  const [file, ...args] = [...prefix, 'ip', 'monitor', 'link', 'neigh', 'route', 'label'];
  return execa(file, args, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    reject: false,
    buffer: false,
    env: { LC_ALL: 'C' },
  });
}
