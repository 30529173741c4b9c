/** An agent that is killed before and after each of its steps, and the next one that takes over. */
import { execa } from 'execa';
import { watch } from 'node:fs';
import { bundle } from '../support/product.js';
import { until } from '../support/until.js';
import type { Extent, Outcome, Statement } from './statement.js';
import type { FaultCluster } from './fault-cluster.js';

const moments = ['before', 'after'] as const;

/** The name of a step without what differs from run to run. */
const kindOf = (step: string, cluster: FaultCluster): string =>
  step
    .replaceAll(cluster.lab.folder, '')
    .replace(/podwall-nft-\w+/, '…')
    .slice(0, 80);

/**
 * Tries `act` again and again, killed at one step later each time, until it has no further step: so none is forgotten.
 * @param act calls `kill` when its first step may follow, and ends when the agent has or nothing follows
 */
async function killEach(
  { cluster, outcome, extent }: { readonly cluster: FaultCluster; readonly outcome: Outcome; readonly extent: Extent },
  act: (kill: () => void) => Promise<void>,
): Promise<void> {
  const { oneOf, first, atMost } = extent;
  let trials = 0;
  for (let step = 1 + (first % oneOf), isKilled = true; isKilled && trials < atMost; step += oneOf) {
    for (const moment of moments) {
      trials += 1;
      let killedAt: () => string | undefined = () => undefined;
      const traffic = cluster.traffic();
      await act(() => (killedAt = cluster.steps.killAt(step, moment)));
      cluster.steps.spare();
      const what = killedAt();
      isKilled = what !== undefined && cluster.agent?.hasEnded === true;
      outcome.add(isKilled ? `${moment} ${kindOf(what ?? '', cluster)}` : 'not killed', await traffic.end());
      if (!(await cluster.isDenied())) outcome.problems.push(`${moment} ${what ?? ''}: a denied pod connects`);
    }
  }
}

/** The agent ends; the next begins, and is killed at its steps. */
const start: Statement = {
  name: 'killed at each step of a start',
  attempt: async (cluster, outcome, extent) => {
    await cluster.agent?.stop();
    await killEach({ cluster, outcome, extent }, async (kill) => {
      await cluster.agent?.kill();
      cluster.steps.clear();
      kill();
      cluster.begin();
      await cluster.settled();
    });
    await rightAgain(cluster, outcome);
  },
};

async function running(cluster: FaultCluster): Promise<void> {
  if (cluster.agent?.hasEnded === false) return;
  cluster.steps.clear();
  await cluster.start();
}

async function rightAgain(cluster: FaultCluster, outcome: Outcome): Promise<void> {
  await running(cluster);
  await cluster.toggle();
  await until(() => cluster.isInForce(), 10_000).catch(() => outcome.problems.push('the next change is not in force'));
}

const change: Statement = {
  name: 'killed at each step of a change',
  attempt: async (cluster, outcome, extent) => {
    await killEach({ cluster, outcome, extent }, async (kill) => {
      await running(cluster);
      kill();
      await cluster.toggle();
      await until(() => cluster.agent?.hasEnded === true || cluster.isInForce(), 10_000);
      await cluster.settled();
    });
    await rightAgain(cluster, outcome);
  },
};

/** Harmless by itself, and undone like any other. */
const damage =
  'add chain inet podwall visitor; add rule inet podwall visitor counter; add set inet podwall strange { type mark; }';

const repair: Statement = {
  name: 'killed at each step of a repair',
  attempt: async (cluster, outcome, extent) => {
    const isDamaged = async (): Promise<boolean> =>
      (await cluster.lab.run('n1', 'nft', 'list', 'table', 'inet', 'podwall')).stdout.includes('visitor');
    await killEach({ cluster, outcome, extent }, async (kill) => {
      await running(cluster);
      // What the last one has left is not this one's damage.
      await until(async () => !(await isDamaged()), 10_000);
      await cluster.settled();
      kill();
      await cluster.lab.run('n1', 'nft', damage);
      await until(async () => cluster.agent?.hasEnded === true || !(await isDamaged()), 10_000);
      await cluster.settled();
    });
    await rightAgain(cluster, outcome);
  },
};

/** Killed itself: then rules are in force, or no agent runs. */
const uninstall: Statement = {
  name: 'uninstall killed at each of its steps',
  attempt: async (cluster, outcome, { oneOf, first, atMost }) => {
    let trials = 0;
    const { lab, stateDir, steps } = cluster;
    const command = ['netns', 'exec', lab.netns('n1'), process.execPath, bundle, 'uninstall', '--state-dir', stateDir];
    for (let step = 1 + (first % oneOf), isKilled = true; isKilled && trials < atMost; step += oneOf) {
      for (const moment of moments) {
        trials += 1;
        await cluster.agent?.stop();
        await cluster.start({ isRecorded: false });
        steps.clear();
        const killedAt = steps.killAt(step, moment);
        const { signal, exitCode } = await execa('ip', command, { reject: false, env: steps.environment });
        const what = killedAt();
        isKilled = signal === 'SIGKILL';
        outcome.add(isKilled ? `${moment} ${kindOf(what ?? '', cluster)}` : 'not killed');
        const [runs, isDenied, tables] = [
          (await cluster.status()) !== undefined,
          await cluster.isDenied(),
          (await lab.run('n1', 'nft', 'list', 'tables')).stdout,
        ];
        if (runs && !isDenied)
          outcome.problems.push(`${moment} ${what ?? ''}: an agent answers, and denied packets pass`);
        if (tables.includes('inet podwall') && !isDenied)
          outcome.problems.push(`${moment} ${what ?? ''}: the table is there, and denied packets pass`);
        if (!isKilled && (exitCode !== 0 || tables !== '' || runs))
          outcome.problems.push(`a whole uninstall left ${tables} (exit ${exitCode ?? '?'})`);
      }
    }
    await cluster.agent?.stop();
    cluster.steps.clear();
    await cluster.start();
  },
};

/** The recorder is compared with others who see the same: nft monitor, and what happens in the state folder. */
const completeness: Statement = {
  name: 'every step is recorded',
  attempt: async (cluster, outcome) => {
    const { lab, steps, stateDir } = cluster;
    await running(cluster);
    const changed = new Set<string>();
    const folder = watch(stateDir, (_, name) => void changed.add(name ?? ''));
    const monitor = execa('ip', ['netns', 'exec', lab.netns('n1'), 'nft', 'monitor'], { reject: false });
    // It hears once it has read everything.
    let heard = '';
    monitor.stdout.on('data', (text: Buffer) => (heard += text.toString()));
    await until(async () => {
      await lab.run('n1', 'nft', 'add table ip strange; delete table ip strange');
      return heard !== '';
    });
    const before = steps.begun.length;
    heard = '';
    for (let round = 0; round < 3; round += 1) {
      await cluster.toggle();
      await until(() => cluster.isInForce(), 10_000);
      await cluster.settled();
    }
    const begun = steps.begun.slice(before);
    const commits = heard.match(/# new generation/g)?.length ?? 0;
    const transactions = begun.filter((step) => /^(nft|netlink batch|\S*nft )/.test(step)).length;
    monitor.kill('SIGKILL');
    folder.close();
    if (commits === 0 || commits > transactions)
      outcome.problems.push(`${commits} commits were heard, ${transactions} transactions recorded`);
    for (const name of changed)
      if (!begun.some((step) => step.includes(`${stateDir}/${name}`)))
        outcome.problems.push(`${name} in the state folder was changed, and by no recorded step`);
    for (const step of begun) outcome.add(kindOf(step, cluster));
  },
};

export const kills: readonly Statement[] = [completeness, start, change, repair, uninstall];
