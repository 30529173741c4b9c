/** Flags of the agent's audit log. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { RotationOptions } from '../audit/rotating-file.js';
import type { AuditRules } from '../nftables/denials.js';

export interface AuditFlags {
  readonly audit?: 'records' | 'counters' | 'off';
  readonly auditLog?: string;
  readonly auditGroup: number;
  readonly auditRate: number;
  readonly auditBurst: number;
  readonly auditPairs: number;
  readonly auditSharedRate: number;
  readonly auditMaxSize: number;
  readonly auditMaxAge: number;
  readonly auditKeep: number;
  readonly auditGzip: 'on' | 'off';
}

export const defaultAuditLog = '/var/log/podwall/audit.jsonl';

export function withAuditOptions(command: Command): Command {
  const number = (flags: string, text: string, value: number, largest = 1e9): Option =>
    new Option(flags, text).default(value).argParser(numberUpTo(largest));
  const options = [
    new Option(
      '--audit <mode>',
      'denials: a record each, packets by policy in /metrics, or neither (records with --audit-log, else counters)',
    ).choices(['records', 'counters', 'off']),
    new Option('--audit-log <path>', `where records go: a file, - for standard output, or off (${defaultAuditLog})`),
    number('--audit-group <number>', 'NFLOG group; it has one reader', 9808, 65_535),
    number('--audit-rate <packets>', 'denied packets a second that are recorded for a pair of addresses', 100),
    number('--audit-burst <packets>', 'and how many at once', 200),
    number('--audit-pairs <number>', 'pairs of addresses with a limit of their own', 16_384),
    number('--audit-shared-rate <packets>', 'denied packets a second that are recorded for all other pairs', 1000),
    number('--audit-max-size <MiB>', 'a new file is begun after so much', 100),
    number('--audit-max-age <hours>', 'a new file is begun after so long', 24),
    number('--audit-keep <files>', 'former files that are kept', 10),
    new Option('--audit-gzip <mode>', 'former files are packed').choices(['on', 'off']).default('on'),
  ];
  for (const option of options) command.addOption(option);
  return command;
}

/** Where records go; undefined when none are made. */
export function recordsGoTo({ audit, auditLog }: AuditFlags): string | undefined {
  const mode = audit ?? (auditLog === undefined ? 'counters' : 'records');
  return mode !== 'records' || auditLog === 'off' ? undefined : (auditLog ?? defaultAuditLog);
}

/** What the kernel is asked to log. */
export const auditRules = (flags: AuditFlags): AuditRules => ({
  group: flags.auditGroup,
  pairRate: flags.auditRate,
  pairBurst: flags.auditBurst,
  pairs: flags.auditPairs,
  sharedRate: flags.auditSharedRate,
});

export const rotation = (flags: AuditFlags): Omit<RotationOptions, 'onUntidy'> => ({
  maxBytes: flags.auditMaxSize * 1024 * 1024,
  maxAge: flags.auditMaxAge * 60 * 60 * 1000,
  keep: flags.auditKeep,
  gzip: flags.auditGzip === 'on',
});

const numberUpTo =
  (largest: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > largest)
      throw new InvalidArgumentError(`It must be a whole number from 1 to ${largest}.`);
    return value;
  };
