import { execa } from 'execa';
import type { Attachment } from '../model/attachment.js';
import type { ObjectRef } from '../model/pod.js';
import { locate, type Place, type PodToAttach } from './attachments.js';
import { readLinks, runner, type LinkReadings, type Run } from './link-readings.js';

export interface Discovered {
  readonly attachments: readonly Attachment[];
  readonly unattached: readonly { readonly pod: ObjectRef; readonly reason: string }[];
}

export interface Links {
  discover(pods: readonly PodToAttach[]): Promise<Discovered>;
  devices(): Promise<ReadonlyMap<string, number>>;
  /** Wakes on every link, route or neighbour event. */
  watch(onWake: () => void): Disposable;
}

/** How long a silent pod on a bridge is waited for after it was asked for its hardware address. Milliseconds. */
const neighbourWait = 300;
const restartAfter = 500;
/** Events come in bursts: one wake-up for each. */
const wakeAfter = 20;

/** The links of a network namespace; `prefix` enters another one, in tests. */
export function openLinks(prefix: readonly string[] = []): Links {
  const run = runner(prefix);
  let last: LinkReadings | undefined;
  return {
    async discover(pods) {
      const readings = await readLinks(run);
      last = await askSilent(pods, readings, run);
      return sortOut(pods, last);
    },
    async devices() {
      const { links } = last ?? (await readLinks(run));
      return new Map(links.map(({ name, ifindex }) => [name, ifindex]));
    },
    watch: (onWake) => watchLinks(prefix, onWake),
  };
}

/** A bridged pod that has not spoken is in no table: the kernel is made to ask for it. */
async function askSilent(pods: readonly PodToAttach[], readings: LinkReadings, run: Run): Promise<LinkReadings> {
  const silent = pods.map((pod) => locate(pod, readings)).filter((place) => place.kind === 'silent');
  if (silent.length === 0) return readings;
  for (const { address, bridge } of silent) await run(['ip', 'neigh', 'replace', address, 'dev', bridge, 'use']);
  const patience = performance.now() + neighbourWait;
  let now = readings;
  while (performance.now() < patience) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    now = await readLinks(run);
    if (pods.every((pod) => locate(pod, now).kind !== 'silent')) break;
  }
  return now;
}

function sortOut(pods: readonly PodToAttach[], readings: LinkReadings): Discovered {
  const places = pods.map((pod): readonly [PodToAttach, Place] => [pod, locate(pod, readings)]);
  return {
    attachments: places.flatMap(([, place]) => (place.kind === 'attached' ? [place.attachment] : [])),
    unattached: places.flatMap(([{ pod }, place]) => {
      if (place.kind === 'attached') return [];
      const reason =
        place.kind === 'elsewhere' ? place.reason : `bridge ${place.bridge} has no port for ${place.address} yet`;
      return [{ pod, reason }];
    }),
  };
}

/** `ip monitor` as a wake-up only: it prints text even with -j, so what it says is read again properly. */
function watchLinks(prefix: readonly string[], onWake: () => void): Disposable {
  let disposed = false;
  let timer: NodeJS.Timeout | undefined;
  let child: ReturnType<typeof startMonitor> | undefined;
  const wake = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      onWake();
    }, wakeAfter);
  };
  const start = (): void => {
    child = startMonitor(prefix);
    child.stdout.on('data', wake);
    void child.then(() => {
      if (disposed) return;
      setTimeout(() => {
        if (disposed) return;
        start();
        onWake();
      }, restartAfter);
    });
  };
  start();
  return {
    [Symbol.dispose]() {
      disposed = true;
      clearTimeout(timer);
      child?.kill('SIGTERM');
    },
  };
}

function startMonitor(prefix: readonly string[]) {
  const [file = 'ip', ...args] = [...prefix, 'ip', 'monitor', 'link', 'route'];
  return execa(file, args, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    reject: false,
    buffer: false,
    env: { LC_ALL: 'C' },
  });
}
