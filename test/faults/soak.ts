/**
 * `npm run soak [-- --minutes 3]`: 50 changes a second, pods that come and go by the CNI plugins, children killed, nft
 * failing at random. Again and again all of it rests, everything is as it was at the beginning, and what the agent holds is
 * counted: nothing of it may grow. Exit code 1 where something does, or a verdict was wrong; 5 where this machine cannot.
 */
import { readFile, readdir } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { pod } from '../cases/objects.js';
import { FailingNft, type Fault } from '../support/lab/failing-nft.js';
import { missingForPackets } from '../support/lab/prerequisites.js';
import { growthOf, tolerated, type Kind, type Reading } from './growth.js';
import { FaultCluster } from './fault-cluster.js';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '3' } } });

/** Milliseconds. */
const changesEvery = 20;
const loadLasts = 8_000;
const killsEvery = 1_000;
const flowsEvery = 20;
const guests = [21, 22, 23, 24] as const;
const moods: readonly (Fault | undefined)[] = [undefined, undefined, 'fails half of the time', 'is busy', 'crashes'];

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

async function reading(cluster: FaultCluster, minute: number): Promise<Reading> {
  const pid = String(cluster.agent?.pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const { stdout } = await cluster.lab.run('n1', 'nft', '-n', 'list', 'ruleset');
  return {
    minute,
    'memory (MB)': Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024,
    descriptors: (await readdir(`/proc/${pid}/fd`)).length,
    children: cluster.agent?.children.size ?? 0,
    'kernel objects': count(stdout, /^\s*(table|chain|set|map|counter) /gm),
  };
}

class Load {
  readonly #cluster: FaultCluster;
  readonly #nft: FailingNft;

  changes = 0;
  arrivals = 0;
  kills = 0;

  constructor(cluster: FaultCluster, nft: FailingNft) {
    this.#cluster = cluster;
    this.#nft = nft;
  }

  /** For a while, and then everything is as it was before. */
  async run(): Promise<void> {
    const ending = AbortSignal.timeout(loadLasts);
    await Promise.all([this.#change(ending), this.#comeAndGo(ending), this.#disturb(ending)]);
  }

  async #change(ending: AbortSignal): Promise<void> {
    const began = performance.now();
    for (let done = 0; !ending.aborted; done += 1) {
      await this.#cluster.toggle();
      this.changes += 1;
      await delay(Math.max(0, began + (done + 1) * changesEvery - performance.now()));
    }
    await this.#cluster.toggleTo(true);
  }

  async #comeAndGo(ending: AbortSignal): Promise<void> {
    const { lab, manifests } = this.#cluster;
    for (let turn = 0; !ending.aborted; turn += 1) {
      const host = guests[turn % guests.length] ?? guests[0];
      const addresses = [`10.244.1.${host}`, `fd00:10:244:1::${host}`];
      await lab.addPod({ namespace: 'x', name: `guest-${host}`, node: 'n1', addresses });
      await lab.writeManifests(manifests, { guests: [pod(`guest-${host}.x`, { host, labels: { app: 'client' } })] });
      this.arrivals += 1;
      await delay(200);
      await lab.deletePod(`guest-${host}.x`);
    }
    await lab.writeManifests(manifests, { guests: [] });
  }

  async #disturb(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      await this.#nft.set(moods[Math.floor(Math.random() * moods.length)]);
      const children = [...(this.#cluster.agent?.children.keys() ?? [])];
      const pid = children[Math.floor(Math.random() * children.length)];
      try {
        if (pid !== undefined) process.kill(pid, 'SIGKILL');
        this.kills += 1;
      } catch (error) {
        // It has ended by itself.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
      await delay(killsEvery);
    }
    await this.#nft.set(undefined);
  }
}

async function main(): Promise<number> {
  const reason = missingForPackets();
  if (reason !== undefined) {
    console.error(`soak: ${reason}`);
    return 5;
  }
  await using cluster = await FaultCluster.create();
  const nft = await FailingNft.create(cluster.lab.folder);
  await cluster.toggleTo(true);
  await cluster.start({ programs: nft.folder, isRecorded: false });
  const load = new Load(cluster, nft);
  // One a millisecond would leave this process no time for the changes.
  const traffic = cluster.traffic(flowsEvery);
  const readings: Reading[] = [];
  const minutes = Number(values.minutes);
  const began = performance.now();
  for (let minute = 0; minute < minutes; minute = (performance.now() - began) / 60_000) {
    await load.run();
    await cluster.settled();
    // Children that were killed are there again.
    await delay(2_000);
    readings.push(await reading(cluster, minute));
  }
  const { flows, wrong, lost, longestGap } = await traffic.end();
  console.log(
    `${load.changes} changes (${Math.round(load.changes / (readings.length * (loadLasts / 1000)))} a second), ${load.arrivals} pods, ${load.kills} children killed, ${readings.length} readings`,
  );
  console.log(
    `${flows} flows: ${wrong} wrong verdicts, ${lost} allowed lost, longest gap ${Math.round(longestGap)} ms`,
  );
  let isMet = wrong === 0 && lost === 0;
  for (const kind of Object.keys(tolerated) as Kind[]) {
    const { first, last, slope, grows } = growthOf(readings, kind);
    console.log(
      `${grows ? 'GROWS ' : 'steady'} ${kind}: ${first.toFixed(1)} to ${last.toFixed(1)}, ${slope.toFixed(2)} a minute`,
    );
    isMet &&= !grows;
  }
  return isMet ? 0 : 1;
}

process.exitCode = await main();
