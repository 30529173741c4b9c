import { Command } from 'commander';
import { coverageCommand } from './coverage.js';
import { deniedCommand } from './denied.js';
import { explainCommand } from './explain.js';
import { lossCommand } from './loss.js';
import { replayCommand } from './replay.js';
import { showCommand } from './show.js';
import { summaryCommand } from './summary.js';
import { verifyCommand } from './verify.js';

export function auditCommand(): Command {
  const audit = new Command('audit')
    .summary('who was denied what, by which policies, and what would allow it')
    .description('what the audit log says: who was denied what, by which policies, and what would allow it');
  for (const command of [
    coverageCommand(),
    deniedCommand(),
    explainCommand(),
    lossCommand(),
    replayCommand(),
    showCommand(),
    summaryCommand(),
    verifyCommand(),
  ])
    audit.addCommand(command.exitOverride());
  return audit;
}
