import { Command } from 'commander';
import { lossCommand } from './loss.js';
import { showCommand } from './show.js';
import { summaryCommand } from './summary.js';
import { verifyCommand } from './verify.js';

export function auditCommand(): Command {
  const audit = new Command('audit').description(
    'what the audit log says: who was denied what, by which policies, and why',
  );
  for (const command of [lossCommand(), showCommand(), summaryCommand(), verifyCommand()])
    audit.addCommand(command.exitOverride());
  return audit;
}
