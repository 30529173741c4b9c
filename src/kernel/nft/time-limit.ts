import { readFileSync } from 'node:fs';

interface Limits {
  /** Milliseconds without any CPU time of the process, after which it is ended. */
  readonly idle: number;
  /** Milliseconds after which it is ended whatever it does. */
  readonly total: number;
  /** Milliseconds between two looks. */
  readonly every: number;
}

const nftLimits: Limits = { idle: 5_000, total: 60_000, every: 500 };

/**
 * Ends a process that makes no progress, and not one that only has much to do: nft 1.0.6 needs seconds for large tables and
 * under load, and one that is killed has to do all of it again.
 * @param end called once, with what the process did too long
 */
export function limitTime(pid: number | undefined, end: (why: string) => void, limits = nftLimits): Disposable {
  const { idle, total, every } = limits;
  let [elapsed, stoodStill, busy, lastLook] = [0, 0, -1, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    // When this process itself was kept from looking, the other may have waited for it.
    const passed = Math.min(now - lastLook, 2 * every);
    const used = ticksOf(pid);
    lastLook = now;
    elapsed += passed;
    stoodStill = used > busy ? 0 : stoodStill + passed;
    busy = Math.max(busy, used);
    if (elapsed < total && stoodStill < idle) return;
    clearInterval(timer);
    end(elapsed < total ? `made no progress for ${idle / 1000} s` : `did not end within ${total / 1000} s`);
  }, every);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** CPU time of a process and of its children that have ended, in the kernel's ticks; -1 when there is no such process. */
function ticksOf(pid: number | undefined): number {
  if (pid === undefined) return -1;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may contain anything: state, and from the 12th field on utime, stime, cutime, cstime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  } catch {
    // The process has ended, or /proc is another namespace's: then only idle time is known.
    return -1;
  }
}
