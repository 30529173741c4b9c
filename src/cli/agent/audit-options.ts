/** Flags of the agent's audit log. */
import { statSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { InputError } from '../../generic/input-error.js';
import { durationOption, repeatable } from '../common/options.js';
import { refuseRenamed, withRenamedValues } from '../common/renamed.js';
import type { RotationLimits } from '../../audit/writing/rotating-file.js';
import { policyModes, type PolicyMode } from '../../model/policy-mode.js';
import type { RecordTargets } from '../../node/record-output.js';
import type { AuditRules } from '../../nftables/render/log-rules.js';

/** What is recorded, and where to: it shapes the ruleset. */
export interface AuditFlags {
  /** `dry-run`: the whole agent is in a dry run. */
  readonly mode: PolicyMode;
  readonly audit?: 'records' | 'counters' | 'off';
  /** In the order given. */
  readonly auditLog: readonly string[];
  readonly auditGroup: number;
  readonly auditRate: number;
  readonly auditBurst: number;
  readonly auditPairs: number;
  readonly auditSharedRate: number;
}

export interface RotationFlags {
  /** Megabytes. */
  readonly auditLogMaxsize: number;
  /** Days. */
  readonly auditLogMaxage: number;
  readonly auditLogMaxbackup: number;
  /** Milliseconds. */
  readonly auditLogRotateAfter: number;
  readonly auditGzip: 'on' | 'off';
  /** New pairs of a sender a second that have records of their own. */
  readonly auditSenderRate: number;
  /** Megabytes. */
  readonly auditScanMaxsize: number;
  readonly auditScanMaxbackup: number;
}

const defaultAuditLog = '/var/log/podwall/audit.jsonl';

export function withAuditOptions(command: Command): Command {
  const number = (flags: string, text: string, value: number, largest = 1e9): Option =>
    new Option(flags, text).default(value).argParser(numberUpTo(largest));
  const options = [
    withRenamedValues(
      new Option('--mode <mode>', 'dry-run records what would be denied, and drops nothing')
        .choices(policyModes)
        .default('enforce'),
      { audit: 'dry-run' },
    ),
    new Option(
      '--audit <mode>',
      'of denials keep a record each, only packets by policy in /metrics, or neither (default: records with --audit-log, else counters)',
    ).choices(['records', 'counters', 'off']),
    new Option(
      '--audit-log <path>',
      `where records go: a file, - for standard output, or off; repeat it for a file and standard output (${defaultAuditLog})`,
    )
      .argParser(repeatable)
      .default([]),
    number('--audit-group <number>', 'NFLOG group; it has one reader', 9808, 65_535),
    number('--audit-rate <packets>', 'packets a second that are recorded for a pair of addresses', 100),
    number('--audit-burst <packets>', 'packets of a pair that are recorded at once, before that rate holds', 200),
    number('--audit-pairs <number>', 'pairs of addresses with a limit of their own', 16_384),
    number(
      '--audit-shared-rate <packets>',
      'packets a second that are recorded of one sender’s pairs without a limit of their own',
      1000,
    ),
  ];
  for (const option of options) command.addOption(option);
  return refuseRenamed(command, {
    'audit-max-size': '--audit-log-maxsize (megabytes)',
    'audit-max-age':
      '--audit-log-rotate-after for the age at which the file is rotated (as 24h); ' +
      '--audit-log-maxage is the days that rotated files are kept',
    'audit-keep': '--audit-log-maxbackup (files)',
  });
}

/** They say nothing of the ruleset. */
export function rotationOptions(): readonly Option[] {
  const limit = (flags: string, text: string, value: number): Option =>
    new Option(flags, `${text}; 0: no limit`).default(value).argParser(numberUpTo(1e9, 0));
  return [
    limit('--audit-log-maxsize <megabytes>', 'size at which the file is rotated', 100),
    limit('--audit-log-maxage <days>', 'days that rotated files are kept', 0),
    limit('--audit-log-maxbackup <files>', 'rotated files that are kept', 10),
    new Option('--audit-log-rotate-after <duration>', 'age at which the file is rotated, as 24h; 0s: no limit')
      .default(86_400_000, '24h')
      .argParser(durationOption),
    new Option(
      '--audit-sender-rate <pairs>',
      'new pairs a second of one sender that have records of their own; more of them are summed as a scan',
    )
      .default(20)
      .argParser(numberUpTo(1e9)),
    limit('--audit-scan-maxsize <megabytes>', 'size at which the file of scans is rotated', 20),
    limit('--audit-scan-maxbackup <files>', 'rotated files of scans that are kept', 5),
    new Option('--audit-gzip <mode>', 'compress rotated files').choices(['on', 'off']).default('on'),
  ];
}

/** Where records go; undefined when none are made. @throws InputError for what cannot be meant */
export function recordsGoTo({ audit, auditLog }: AuditFlags): RecordTargets | undefined {
  const mode = audit ?? (auditLog.length === 0 ? 'counters' : 'records');
  const files = auditLog.filter((path) => path !== '-');
  if (auditLog.length > 1 && files.length !== 1)
    throw new InputError('--audit-log: a file, - for standard output, or one of each');
  for (const path of files)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
      throw new InputError(`--audit-log ${path}: it is no file (- is standard output; off keeps no records)`);
  if (mode !== 'records' || files[0] === 'off') return undefined;
  if (auditLog.length === 0) return { file: defaultAuditLog, stdout: false };
  return { ...(files[0] === undefined ? {} : { file: files[0] }), stdout: auditLog.includes('-') };
}

/** What the kernel is asked to log. */
export const auditRules = (flags: AuditFlags): AuditRules => ({
  group: flags.auditGroup,
  pairRate: flags.auditRate,
  pairBurst: flags.auditBurst,
  pairs: flags.auditPairs,
  sharedRate: flags.auditSharedRate,
});

export const rotation = (flags: RotationFlags): RotationLimits => ({
  maxBytes: unlimitedIfZero(flags.auditLogMaxsize * 1024 * 1024),
  rotateAfter: unlimitedIfZero(flags.auditLogRotateAfter),
  maxBackups: unlimitedIfZero(flags.auditLogMaxbackup),
  maxBackupAge: unlimitedIfZero(flags.auditLogMaxage * 24 * 60 * 60 * 1000),
  gzip: flags.auditGzip === 'on',
});

/** Of the files of scans, whose age limits are those of the log. */
export const scanRotation = (flags: RotationFlags): RotationLimits => ({
  ...rotation(flags),
  maxBytes: unlimitedIfZero(flags.auditScanMaxsize * 1024 * 1024),
  maxBackups: unlimitedIfZero(flags.auditScanMaxbackup),
});

const unlimitedIfZero = (limit: number): number => (limit === 0 ? Infinity : limit);

const numberUpTo =
  (largest: number, smallest = 1) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < smallest || value > largest)
      throw new InvalidArgumentError(`It must be a whole number from ${smallest} to ${largest}.`);
    return value;
  };
