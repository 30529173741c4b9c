/** An agent that is killed before and after each of its steps, and the next one that takes over. */
import { execa } from 'execa';
import { watch } from 'node:fs';
import { bundle } from '../support/product.js';
import { until } from '../support/until.js';
import type { Extent, Outcome, Statement } from './statement.js';
import type { World } from './world.js';

const moments = ['before', 'after'] as const;

/** The name of a step without what differs from run to run. */
const kindOf = (step: string, world: World): string =>
  step
    .replaceAll(world.lab.folder, '')
    .replace(/podwall-nft-\w+/, '…')
    .slice(0, 80);

/**
 * Tries `act` again and again, killed at one step later each time, until it has no further step: so none is forgotten.
 * @param act calls `kill` when its first step may follow, and ends when the agent has or nothing follows
 */
async function killEach(
  { world, outcome, extent }: { readonly world: World; readonly outcome: Outcome; readonly extent: Extent },
  act: (kill: () => void) => Promise<void>,
): Promise<void> {
  const { oneOf, first, atMost } = extent;
  let trials = 0;
  for (let step = 1 + (first % oneOf), isKilled = true; isKilled && trials < atMost; step += oneOf) {
    for (const moment of moments) {
      trials += 1;
      let killedAt: () => string | undefined = () => undefined;
      const traffic = world.traffic();
      await act(() => (killedAt = world.steps.killAt(step, moment)));
      world.steps.spare();
      const what = killedAt();
      isKilled = what !== undefined && world.agent?.hasEnded === true;
      outcome.add(isKilled ? `${moment} ${kindOf(what ?? '', world)}` : 'not killed', await traffic.end());
      if (!(await world.isDenied())) outcome.problems.push(`${moment} ${what ?? ''}: a denied pod connects`);
    }
  }
}

/** The agent ends; the next begins, and is killed at its steps. */
const start: Statement = {
  name: 'killed at each step of a start',
  attempt: async (world, outcome, extent) => {
    await world.agent?.stop();
    await killEach({ world, outcome, extent }, async (kill) => {
      await world.agent?.kill();
      world.steps.clear();
      kill();
      world.begin();
      await world.settled();
    });
    await rightAgain(world, outcome);
  },
};

async function running(world: World): Promise<void> {
  if (world.agent?.hasEnded === false) return;
  world.steps.clear();
  await world.start();
}

async function rightAgain(world: World, outcome: Outcome): Promise<void> {
  await running(world);
  await world.toggle();
  await until(() => world.isInForce(), 10_000).catch(() => outcome.problems.push('the next change is not in force'));
}

const change: Statement = {
  name: 'killed at each step of a change',
  attempt: async (world, outcome, extent) => {
    await killEach({ world, outcome, extent }, async (kill) => {
      await running(world);
      kill();
      await world.toggle();
      await until(() => world.agent?.hasEnded === true || world.isInForce(), 10_000);
      await world.settled();
    });
    await rightAgain(world, outcome);
  },
};

/** Harmless by itself, and undone like any other. */
const damage =
  'add chain inet podwall visitor; add rule inet podwall visitor counter; add set inet podwall strange { type mark; }';

const repair: Statement = {
  name: 'killed at each step of a repair',
  attempt: async (world, outcome, extent) => {
    const isDamaged = async (): Promise<boolean> =>
      (await world.lab.run('n1', 'nft', 'list', 'table', 'inet', 'podwall')).stdout.includes('visitor');
    await killEach({ world, outcome, extent }, async (kill) => {
      await running(world);
      // What the last one has left is not this one's damage.
      await until(async () => !(await isDamaged()), 10_000);
      await world.settled();
      kill();
      await world.lab.run('n1', 'nft', damage);
      await until(async () => world.agent?.hasEnded === true || !(await isDamaged()), 10_000);
      await world.settled();
    });
    await rightAgain(world, outcome);
  },
};

/** Killed itself: then rules are in force, or no agent runs. */
const uninstall: Statement = {
  name: 'uninstall killed at each of its steps',
  attempt: async (world, outcome, { oneOf, first, atMost }) => {
    let trials = 0;
    const { lab, stateDir, steps } = world;
    const command = ['netns', 'exec', lab.netns('n1'), process.execPath, bundle, 'uninstall', '--state-dir', stateDir];
    for (let step = 1 + (first % oneOf), isKilled = true; isKilled && trials < atMost; step += oneOf) {
      for (const moment of moments) {
        trials += 1;
        await world.agent?.stop();
        await world.start({ isRecorded: false });
        steps.clear();
        const killedAt = steps.killAt(step, moment);
        const { signal, exitCode } = await execa('ip', command, { reject: false, env: steps.environment });
        const what = killedAt();
        isKilled = signal === 'SIGKILL';
        outcome.add(isKilled ? `${moment} ${kindOf(what ?? '', world)}` : 'not killed');
        const [runs, isDenied, tables] = [
          (await world.status()) !== undefined,
          await world.isDenied(),
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
    await world.agent?.stop();
    world.steps.clear();
    await world.start();
  },
};

/** The recorder is compared with others who see the same: nft monitor, and what happens in the state folder. */
const completeness: Statement = {
  name: 'every step is recorded',
  attempt: async (world, outcome) => {
    const { lab, steps, stateDir } = world;
    await running(world);
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
      await world.toggle();
      await until(() => world.isInForce(), 10_000);
      await world.settled();
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
    for (const step of begun) outcome.add(kindOf(step, world));
  },
};

export const kills: readonly Statement[] = [completeness, start, change, repair, uninstall];
