/** Faults of what the agent runs and writes to: nft, its children, its state folder. */
import { execa } from 'execa';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { FailingNft, nftFaults } from '../support/lab/failing-nft.js';
import { productFolder } from '../support/product.js';
import { until } from '../support/until.js';
import type { Extent, Outcome, Statement } from './statement.js';
import type { FaultCluster } from './fault-cluster.js';

const chosen = <T>(all: readonly T[], { oneOf, first }: Extent): readonly T[] =>
  all.filter((_, index) => index % oneOf === first % oneOf);

/** Milliseconds; a fault lasts so long, and everything is right again so long after it at the latest. */
const faultLasts = 3_000;
const rightWithin = 15_000;

/** Changes go on while `disturb` is done again and again, and the last of them is in force soon after. */
async function underChanges(cluster: FaultCluster, disturb: () => Promise<void> | void): Promise<void> {
  for (const end = performance.now() + faultLasts; performance.now() < end;) {
    await cluster.toggle();
    await disturb();
    await delay(100);
  }
}

async function rightAgain(cluster: FaultCluster, outcome: Outcome, what: string): Promise<void> {
  await cluster.toggle();
  try {
    await until(() => cluster.isInForce(), rightWithin);
    await cluster.settled(rightWithin);
  } catch (error) {
    outcome.problems.push(`${what}: not right again: ${String(error)}`);
  }
  if (!(await cluster.isDenied())) outcome.problems.push(`${what}: a denied pod connects`);
}

const failingNft: Statement = {
  name: 'nft fails, hangs, crashes, prints garbage',
  attempt: async (cluster, outcome, extent) => {
    const nft = await FailingNft.create(cluster.lab.folder);
    await cluster.agent?.stop();
    await cluster.start({ programs: nft.folder, isRecorded: false });
    for (const fault of chosen(nftFaults, extent)) {
      const traffic = cluster.traffic();
      await nft.set(fault);
      await underChanges(cluster, () => undefined);
      await nft.set(undefined);
      await rightAgain(cluster, outcome, fault);
      outcome.add(fault, await traffic.end());
    }
    await cluster.agent?.stop();
  },
};

const killedChildren: Statement = {
  name: 'children killed ten times a second',
  attempt: async (cluster, outcome) => {
    await cluster.agent?.stop();
    const agent = await cluster.start({ isRecorded: false });
    const traffic = cluster.traffic();
    const names = new Map<string, number>();
    await underChanges(cluster, () => {
      for (const [pid, command] of agent.children) {
        const [name = ''] = command.split(' -');
        try {
          process.kill(pid, 'SIGKILL');
          names.set(name, (names.get(name) ?? 0) + 1);
        } catch (error) {
          // It has ended by itself.
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
        }
      }
    });
    await rightAgain(cluster, outcome, 'killed children');
    const counts = await traffic.end();
    for (const [name, times] of names) for (let time = 0; time < times; time += 1) outcome.add(name);
    outcome.add('all of them', counts);
  },
};

/** Milliseconds; 15 s are promised. */
const silenceFoundWithin = 20_000;

const stoppedMonitors: Statement = {
  name: 'nft monitor and ip monitor are stopped',
  attempt: async (cluster, outcome) => {
    const { lab } = cluster;
    await cluster.agent?.stop();
    // Without its packages, as where koffi has no build: nft monitor follows the tables.
    const alone = join(lab.folder, 'alone');
    await cp(productFolder, alone, { recursive: true });
    const agent = await cluster.start({ bundle: join(alone, 'podwall.js'), isRecorded: false });
    const monitors = (): readonly number[] =>
      [...agent.children].filter(([, command]) => /^(nft|ip) monitor/.test(command)).map(([pid]) => pid);
    await until(() => monitors().length === 2);
    const stopped = monitors();
    const traffic = cluster.traffic();
    for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    await lab.run('n1', 'nft', 'add chain inet podwall visitor');
    const isOver = async (): Promise<boolean> =>
      !(await lab.run('n1', 'nft', 'list', 'table', 'inet', 'podwall')).stdout.includes('visitor') &&
      monitors().length === 2 &&
      !monitors().some((pid) => stopped.includes(pid));
    await until(isOver, silenceFoundWithin);
    outcome.add('both', await traffic.end());
    await cluster.agent?.stop();
  },
};

interface FolderFault {
  readonly make: (folder: string) => Promise<unknown>;
  /** While the agent runs; absent where it would not see it, since it has mounts of its own. */
  readonly mend?: (folder: string) => Promise<unknown>;
  readonly remove: (folder: string) => Promise<unknown>;
}

const remove = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });
const disk = async (folder: string, options: string): Promise<void> => {
  await mkdir(folder, { recursive: true });
  await execa('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
};
const unmount = (folder: string) => execa('umount', ['--lazy', folder]);
const folderFaults: Readonly<Record<string, FolderFault>> = {
  'read-only': { make: (folder) => disk(folder, 'ro'), remove: unmount },
  full: {
    make: (folder) => disk(folder, 'size=64k,nr_inodes=1'),
    mend: (folder) => execa('mount', ['-o', 'remount,nr_inodes=100', folder]),
    remove: unmount,
  },
  'a file': { make: (folder) => writeFile(folder, ''), mend: remove, remove },
};

const stateFolder: Statement = {
  name: 'state folder read-only, full, a file, deleted',
  attempt: async (cluster, outcome, extent) => {
    const { stateDir } = cluster;
    for (const [name, fault] of chosen(Object.entries(folderFaults), extent)) {
      await cluster.agent?.stop();
      await remove(stateDir);
      await fault.make(stateDir);
      const traffic = cluster.traffic();
      try {
        await cluster.begin({ isRecorded: false }).applied(0, 30_000);
        await cluster.toggle();
        await until(() => cluster.isInForce(), rightWithin);
        await fault.mend?.(stateDir);
        if (fault.mend !== undefined) {
          await until(async () => (await cluster.status()) !== undefined, rightWithin);
          await rightAgain(cluster, outcome, name);
        }
      } finally {
        await cluster.agent?.stop();
        await fault.remove(stateDir);
      }
      outcome.add(name, await traffic.end());
    }
    await cluster.start({ isRecorded: false });
    const traffic = cluster.traffic();
    await remove(stateDir);
    await until(async () => (await cluster.status()) !== undefined, rightWithin);
    await rightAgain(cluster, outcome, 'deleted');
    outcome.add('deleted', await traffic.end());
  },
};

export const surroundings: readonly Statement[] = [failingNft, killedChildren, stoppedMonitors, stateFolder];
