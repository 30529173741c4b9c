import { Command } from 'commander';
import { acquireLock } from '../../node/agent-lock.js';
import { agentAnswers, askAgent, socketPath } from '../../node/control-socket.js';
import { restoreBridgeSettings } from '../../node/state/bridge-settings-file.js';
import { removeCheckpoint } from '../../node/state/checkpoint-file.js';
import { removePolicyPackets } from '../../node/state/policy-packets-file.js';
import { removeStateFile } from '../../node/state/state-file.js';
import { UsageError } from '../common/exit-codes.js';
import { defaultStateDir } from '../common/options.js';
import { withNftClient } from '../with-nft-client.js';

/** Milliseconds that an agent has to stop. */
const stopsWithin = 5_000;

export const uninstallCommand = (): Command =>
  new Command('uninstall')
    .summary("remove Podwall's own tables: nothing is enforced afterwards")
    .description("remove exactly Podwall's own tables from this network namespace: nothing is enforced afterwards")
    .option('--state-dir <dir>', 'the state folder of the agent', defaultStateDir)
    .addHelpText('after', '\nExamples:\n  podwall uninstall                  also stops the agent, when one runs')
    .action(async ({ stateDir }: { stateDir: string }) => {
      socketPath(stateDir);
      if (await agentAnswers(stateDir)) await askAgent(stateDir, 'stop');
      // Until the end: an agent that is started meanwhile waits. If this process is killed, it enforces everything again.
      const lock = await lockOfAgents(stateDir);
      await removeTables();
      process.stdout.write('Removed table inet podwall and table netdev podwall.\n');
      for (const { setting, problem } of await restoreBridgeSettings(stateDir))
        if (problem !== undefined)
          process.stderr.write(
            `podwall: the agent had set net.bridge.${setting} to 1, which stays (${problem}); ` +
              `where nothing else relies on it: sysctl -w net.bridge.${setting}=0\n`,
          );
        else
          process.stdout.write(
            `Set net.bridge.${setting} to 0, as it was before the agent set it ` +
              `(undo it where something else relies on it: sysctl -w net.bridge.${setting}=1).\n`,
          );
      await removeStateFile(stateDir);
      await removeCheckpoint(stateDir);
      await removePolicyPackets(stateDir);
      lock[Symbol.dispose]();
    });

const removeTables = (): Promise<void> =>
  withNftClient(async (client) => {
    for (const family of ['inet', 'netdev'] as const) {
      // `add` first: deleting a table that is not there is an error.
      const commands = [{ kind: 'add table' }, { kind: 'delete table' }] as const;
      await client.apply({ family, table: 'podwall', effect: 'widens', commands });
    }
  });

async function lockOfAgents(stateDir: string): Promise<Disposable> {
  const events = {
    onWait: () => undefined,
    onPassedOver: () => process.stderr.write('podwall: a process that is no agent holds the socket of the lock\n'),
    answers: () => agentAnswers(stateDir),
  };
  try {
    return await acquireLock(events, AbortSignal.timeout(stopsWithin));
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError') throw error;
    throw new UsageError(
      `an agent still runs in this network namespace and does not end (asked at ${stateDir}): stop it first`,
    );
  }
}
