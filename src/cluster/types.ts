import type { ClusterChange, ClusterSnapshot } from '../model/cluster.js';
import type { Diagnostic } from '../model/diagnostic.js';

/** Something about the input that the user should know: stands in the log and in `status`. */
export interface SourceProblem {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly object?: {
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    /** Absent in manifests. */
    readonly uid?: string;
  };
  readonly diagnostic: Diagnostic;
}

export interface SourceChange {
  readonly changes: readonly ClusterChange[];
  /** performance.now() when the source noticed. */
  readonly noticedAt: number;
}

/** A cluster that has been read completely at least once: a snapshot can be had from nothing less. */
export interface SyncedCluster extends Disposable {
  snapshot(): ClusterSnapshot;
  /** All problems that stand now. */
  problems(): readonly SourceProblem[];
  /** `listener` hears every change after the snapshot was taken, in order. */
  onChange(listener: (change: SourceChange) => void): Disposable;
  /** Since when the source has lost touch with the cluster, by performance.now(); undefined while it follows it. */
  staleSince(): number | undefined;
  /** By which OpenTelemetry knows a cluster: the uid of its namespace kube-system. Absent where no API server is asked. */
  uid?(): string | undefined;
  /** An address was met that no known pod or Node has: a source that does not follow all Nodes asks for them again, rarely. */
  addressNotFound?(): void;
  /** Absent for a source that reads no network. */
  traffic?(): SourceTraffic;
  /** Called whenever problems() changed. */
  onProblems(listener: (problems: readonly SourceProblem[]) => void): Disposable;
}

/** How hard it is to follow the cluster. */
export interface SourceTraffic {
  /** Lists and watches that broke off and were begun again. */
  readonly restarts: number;
  readonly receivedBytes: number;
}

export interface ClusterSource {
  /** Resolves when everything has been read; rejects with InputError when what is there cannot be read. */
  sync(signal?: AbortSignal): Promise<SyncedCluster>;
}

/** What users see with `kubectl describe` of the object. */
export interface ClusterEvent {
  readonly object: {
    readonly kind: 'NetworkPolicy' | 'Pod' | 'Namespace';
    /** Of a Namespace: itself, where its users look for events. */
    readonly namespace: string;
    readonly name: string;
    /** Absent: `kubectl describe` does not find the event. */
    readonly uid?: string;
  };
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'FailsClosed'
    | 'OverLimit'
    | 'UnknownMode'
    | 'RenamedMode'
    | 'NotEnforced'
    | 'BridgeNotFiltered'
    | 'SelectsNoPod'
    | 'NetworkPolicyDenied';
  /** The same on every node that says it. */
  readonly message: string;
  /** What goes on happening to the object, and is reported in one event that changes. */
  readonly repeated?: {
    /** Tells it from other events of the object, as its message does for others. */
    readonly identity: string;
    readonly count: number;
    /** Milliseconds since the epoch. */
    readonly first: number;
    readonly last: number;
  };
}
