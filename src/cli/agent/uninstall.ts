import { Command } from 'commander';
import { removeCheckpoint } from '../../node/state/checkpoint-file.js';
import { askAgent } from '../../node/control-socket.js';
import { lockIsHeld } from '../../node/agent-lock.js';
import { removePolicyPackets } from '../../node/state/policy-packets-file.js';
import { removeStateFile } from '../../node/state/state-file.js';
import { defaultStateDir } from '../common/options.js';
import { UsageError } from '../common/exit-codes.js';
import { withNftClient } from '../with-nft-client.js';

export const uninstallCommand = (): Command =>
  new Command('uninstall')
    .description("remove exactly Podwall's own tables from this network namespace: nothing is enforced afterwards")
    .option('--state-dir <dir>', 'the state folder of the agent', defaultStateDir)
    .addHelpText('after', '\nExamples:\n  podwall uninstall                  also stops the agent, when one runs')
    .action(async ({ stateDir }: { stateDir: string }) => {
      await askAgent(stateDir, 'stop');
      await agentGone(stateDir);
      await withNftClient(async (client) => {
        for (const family of ['inet', 'netdev'] as const) {
          // `add` first: deleting a table that is not there is an error.
          const commands = [{ kind: 'add table' }, { kind: 'delete table' }] as const;
          await client.apply({ family, table: 'podwall', effect: 'widens', commands });
        }
      });
      await removeStateFile(stateDir);
      await removeCheckpoint(stateDir);
      await removePolicyPackets(stateDir);
      process.stdout.write('Removed table inet podwall and table netdev podwall.\n');
    });

/** An agent that still runs would put the tables back. */
async function agentGone(stateDir: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (!(await lockIsHeld())) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new UsageError(
    `an agent still runs in this network namespace and does not answer at ${stateDir}: stop it first`,
  );
}
