/**
 * Words that readers of this field stumbled over, each with the one that they understand at sight. A new name that needs
 * explaining belongs here, with its better one.
 */

/** Refused as a whole word of a name: of an identifier, a file, a flag, a metric, a chain, a key. */
export const refusedWords: Readonly<Record<string, string>> = {
  // Dry run.
  tried: 'dryRun',
  audited: 'dryRun',
  would: 'dry-run-deny, dry-run-allow',
  // What the agent says, and to whom.
  tell: 'report, record or log',
  tells: 'report, record or log',
  told: 'reported, recorded or logged',
  telling: 'reporting',
  untold: 'pending',
  unsettled: 'pending',
  said: 'reported, or message',
  saying: 'message',
  // What a program answers.
  judge: 'evaluate',
  judges: 'evaluates',
  judged: 'evaluated',
  judging: 'evaluating',
  unjudged: 'not evaluated',
  judgement: 'verdict, IsolationSpec',
  judgements: 'verdicts, IsolationChains',
  ruling: 'deciding',
  rulings: 'deciding rules',
  // The two of a flow.
  ends: 'endpoints, source and destination',
  sides: 'directions, endpoints',
  crowd: 'group text',
  // The ruleset.
  picked: 'mid-stream',
  admit: 'allow',
  remember: 'cache-add',
  remembered: 'cached',
  door: 'nft client',
  towards: 'egress',
  // The audit log.
  accounts: 'packet accounting',
  evidence: 'snapshot references',
  sought: 'record selector',
  stored: 'snapshots beside the log, saved',
  stands: 'holds, is',
  former: 'previous, rotated',
  packed: 'compressed',
  // The loop.
  wanted: 'desired, required',
  pace: 'rate-limited task',
  trouble: 'event condition, problem',
  troubles: 'event conditions, problems',
  // Input.
  collected: 'manifest collector',
  world: 'lint input, cluster',
  illness: 'health problem',
  untidy: 'to be cleaned up',
  aloud: 'with a message',
  senseless: 'invalid',
  nought: 'zero, negative',
};

/** Refused as a whole name: as a part of others the word is the usual one. */
export const refusedNames: Readonly<Record<string, string>> = {
  Accounts: 'PacketAccounting',
  End: 'FlowEndpoint',
  Held: 'RateLimited',
  Hit: 'RuleMatch',
  Known: 'AnalysisInput',
  Match: 'what is matched: RuleMatch, PeerMatch, FieldMatch',
  Place: 'SourcePosition',
  Resources: 'Disposables, ApiKinds',
  Side: 'DirectionSummary',
  WorkShare: 'LoadPacing',
  'work-share.ts': 'load-pacing.ts',
  'both-ways': 'mid-stream',
  'not-remembered': 'allow-uncached',
  'error-cached': 'icmp-error-cache-lookup',
  'ingress-judged': 'ingress-after-egress',
  'deny-no-entry': 'deny-untracked, deny-invalid',
  'deny-error': 'deny-icmp-error',
  'drop-no-entry': 'drop-untracked, drop-invalid',
  'drop-error': 'drop-icmp-error',
  same4: 'self4',
  same6: 'self6',
  podwall_event_to_kernel_seconds: 'podwall_network_programming_duration_seconds',
  podwall_view_age_seconds: 'podwall_source_staleness_seconds',
  podwall_failures_total: 'podwall_sync_errors_total',
};

/** A word that is the usual one in its place. */
export interface UsualWord {
  readonly name: RegExp;
  readonly path: RegExp;
  readonly why: string;
}

export const usualNames: readonly UsualWord[] = [
  { name: /closed-?world/i, path: /./, why: 'logic calls it the closed-world assumption' },
  { name: /world-open/, path: /lint/, why: 'open to the world; the name of a lint rule, in public' },
  { name: /^(--)?with-audited$/, path: /analysis-options|renamed\.test/, why: 'an old flag, refused by its name' },
  {
    name: /^unsettled$/,
    path: /checkpoint|upgrade\.test|state-files\.test/,
    why: 'a checkpoint that an earlier agent wrote is read',
  },
  {
    name: /./,
    path: /retired|upgrade\.test|policy-table\.test|state-files\.test/,
    why: 'names that earlier agents left in the kernel',
  },
  { name: /^picked4$/, path: /kernel\/agent\.test/, why: 'a set that earlier agents left in the kernel' },
  { name: /^service-accounts/, path: /./, why: 'a ServiceAccount is Kubernetes’ own noun' },
];

/** Refused in what people read: messages, help, the chart, README. */
export const refusedPhrases: readonly (readonly [phrase: RegExp, right: string])[] = [
  [/\baloud\b/i, 'with a message'],
  [/\bcannot be had\b/i, 'cannot be bound, is not available'],
  [/\bsenseless\b/i, 'invalid'],
  [/\bnought\b/i, 'negative, zero'],
  [/\bstands? (twice|beside)\b/i, 'appears twice, is alongside'],
  [/\bformer (files?|paths?)\b/i, 'rotated files'],
  [/\b(is|are|be) packed\b/i, 'compressed'],
  [/\bnothing to judge\b/i, 'nothing to analyse'],
  [/\b(tell|tells|told|telling|untold)\b(?!( \w+)* apart)/i, 'report, record, log'],
  [/\b(judge|judges|judged|judging|judgements?)\b/i, 'evaluate, verdict'],
  [/\bpicked up\b/i, 'accepted mid-stream'],
  [/\b(sought|crowds?|towards)\b/i, 'searched, groups, to'],
  [/--with-audited\b/, '--include-dry-run'],
  [/--cni-results\b/, '--cni-cache-dir'],
  [/--audit-keep\b/, '--audit-log-maxbackup'],
  [/--audit-max-size\b/, '--audit-log-maxsize'],
  [/--audit-max-age\b/, '--audit-log-rotate-after'],
  [/--established[= ]cut\b/, '--established=reevaluate'],
  // But for the sentence that says how the previous word is read.
  [/\bmode[=:] ?"?audit\b(?!`,$)/, 'mode: dry-run'],
];

/** Files that have to write an old phrase. */
export const phrasesRefusedByName: readonly RegExp[] = [
  // Refuses old flags and values, and names the new ones.
  /^src\/cli\/common\/renamed\.ts$/,
  /^helm\/podwall\/templates\/_renamed\.tpl$/,
];
