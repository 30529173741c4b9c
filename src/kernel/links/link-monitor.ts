import { execa } from 'execa';

interface WatchOptions {
  /** Enters another network namespace, in tests. */
  readonly prefix?: readonly string[];
  /** Whether neighbour events matter now: a busy node has many, and only silent pods are found by them. */
  readonly neighbours?: () => boolean;
}

/** Milliseconds until `ip monitor` is started again. */
const restartAfter = 500;
/** Milliseconds. Events come in bursts: a burst is one wake-up. */
const wakeAfter = 20;

/** Runs `ip monitor` as a wake-up only: it prints text even with -j, so the links are read again after each event. */
export function watchLinks(
  onWake: () => void,
  { prefix = [], neighbours = () => true }: WatchOptions = {},
): Disposable {
  let disposed = false;
  let wakeTimer: NodeJS.Timeout | undefined;
  let restartTimer: NodeJS.Timeout | undefined;
  let child: ReturnType<typeof startMonitor> | undefined;
  const wake = (): void => {
    wakeTimer ??= setTimeout(() => {
      wakeTimer = undefined;
      onWake();
    }, wakeAfter);
  };
  const start = (): void => {
    child = startMonitor(prefix);
    child.stdout.on('data', (text: Buffer) => {
      if (
        text
          .toString()
          .split('\n')
          .some((line) => isNews(line, neighbours()))
      )
        wake();
    });
    void child.then(() => {
      if (disposed) return;
      restartTimer = setTimeout(() => {
        start();
        // Events were missed meanwhile.
        wake();
      }, restartAfter);
    });
  };
  start();
  return {
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(wakeTimer);
      clearTimeout(restartTimer);
      child?.kill('SIGTERM');
    },
  };
}

/** Of the neighbour events only answers count: requests raise events as well. */
const isNews = (line: string, neighbours: boolean): boolean =>
  line.startsWith('[NEIGH]')
    ? neighbours && line.includes(' lladdr ') && !line.startsWith('[NEIGH]Deleted')
    : line !== '';

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
