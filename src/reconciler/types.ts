import type { OverLimit } from '../limits/over-limit.js';
import type { PolicyMode } from '../model/policy-mode.js';
import type { ObjectRef } from '../model/pod.js';
import type { Attachment } from '../model/attachment.js';
import type { ClusterChange } from '../model/cluster.js';
import type { Diagnostic } from '../model/diagnostic.js';
import type { PolicyRef } from '../model/policy.js';
import type { ProgramChange } from '../program/types.js';
import type { SourceProblem } from '../cluster/types.js';
import type { UnattachedPod } from './guard-table.js';

/** A policy that fails closed, and why. */
export interface FailingPolicy extends PolicyRef {
  /** Absent in manifests. */
  readonly uid?: string;
  readonly reasons: readonly string[];
}

export interface EndpointStatus {
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly ingress: IsolationStatus;
  readonly egress: IsolationStatus;
  /** The host's end of the pod's veth; absent while none is known. */
  readonly device?: string;
}

export interface IsolationStatus {
  readonly isolated: boolean;
  /** `namespace/name` of every isolating policy. */
  readonly by: readonly string[];
}

/** What the loop enforces now. */
export interface ReconcilerStatus {
  readonly ready: boolean;
  readonly revision: number;
  readonly repairs: number;
  readonly failures: number;
  readonly policies: number;
  /** Changes of the cluster that were noticed and are not in force yet. */
  readonly waiting: number;
  /** Of the last switch, in milliseconds since the epoch; absent before the first. */
  readonly lastApplied?: number;
  readonly lastError?: string;
  readonly endpoints: readonly EndpointStatus[];
  readonly failing: readonly FailingPolicy[];
  /** Policies, namespaces and pods that are over a limit; which of them fail closed is in `failing` as well. */
  readonly overLimits: readonly OverLimit[];
  /** What the policies of this node take, by estimate, in bytes. */
  readonly policyMemory: number;
  /** `dry-run`: the whole agent is in a dry run, and drops nothing. */
  readonly mode: PolicyMode;
  /** Policies in a dry run: what they would change is recorded. */
  readonly dryRun: readonly ObjectRef[];
  /** Local pods whose traffic does not pass this node's forward path: not enforced. */
  readonly unattached: readonly UnattachedPod[];
  /** Pods on a bridge whose frames do not reach our rules: policies do not hold between them. */
  readonly unfiltered: readonly UnattachedPod[];
  readonly problems: readonly SourceProblem[];
  /** How long the source has been out of touch with the cluster, in seconds; absent while it follows it. */
  readonly staleSeconds?: number;
  readonly warnings: readonly string[];
}

/** Changes, and what they made of the program. */
export interface CompiledChanges {
  readonly changes: readonly ClusterChange[];
  readonly program: ProgramChange;
}

/** Follows the loop; the audit log does. */
export interface LoopObserver {
  /** Changes were compiled; they will be applied. */
  changesCompiled(changes: readonly ClusterChange[], program: ProgramChange): void;
  /** Changes that were compiled are in force now; others may still be on their way. */
  changesApplied(compiled: readonly CompiledChanges[]): void;
  /** The devices of this node's pods are known. */
  podsAttached(attachments: readonly Attachment[]): void;
  /** Named counters of the policy table are about to be removed; the loop waits. */
  beforeRemoval(counters: readonly string[]): Promise<void>;
  /** They are gone; some may have been created again at once. */
  countersRemoved?(counters: readonly string[]): void;
}

/** The agent's log: one call per line, with the fields of the line. */
export interface ReconcilerLog {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const reasonsOf = (diagnostics: readonly Diagnostic[], format: (diagnostic: Diagnostic) => string): string[] =>
  diagnostics.filter((diagnostic) => diagnostic.severity === 'error').map(format);
