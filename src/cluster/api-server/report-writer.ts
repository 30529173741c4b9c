import { createHash } from 'node:crypto';
import { followedKinds } from '../../model/kinds.js';
import { nodePolicyStatusKind, type NodePolicyStatus } from '../../model/node-policy-status.js';
import type { ClusterEvent } from '../types.js';
import { ApiError } from './api-errors.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';

/** The Node object that a status belongs to. */
interface StatusOwner {
  readonly name: string;
  readonly uid: string;
}

/** The only place that writes to the API server: what the agent reports to the cluster's users. */
export class ReportWriter implements Disposable {
  readonly #connection: ApiConnection;

  private constructor(connection: ApiConnection) {
    this.#connection = connection;
  }

  /** @throws InputError as ApiConnection.open */
  static async open(choice: ConnectionChoice): Promise<ReportWriter> {
    return new ReportWriter(await ApiConnection.open(choice));
  }

  /** Makes or replaces the node's own object. Rejects with ApiError or ConnectionError. */
  async writeStatus({ name, uid }: StatusOwner, status: NodePolicyStatus, signal: AbortSignal): Promise<void> {
    const { apiVersion, kind, path } = nodePolicyStatusKind;
    // Owned by the Node, so that it goes when the node goes.
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    const object = { apiVersion, kind, metadata: { name, ownerReferences }, status };
    await this.#apply(`${path}/${name}`, object, signal);
  }

  /**
   * One Event per object, reason and message, whichever agent writes first; written again, it says that it still holds,
   * and the API server keeps it for another --event-ttl. Rejects with ApiError or ConnectionError.
   */
  async writeEvent(event: ClusterEvent, reporter: { readonly node: string }, signal: AbortSignal): Promise<void> {
    const { kind, namespace, name, uid } = event.object;
    const now = Date.now();
    const { count, first, last } = event.repeated ?? { count: 1, first: now, last: now };
    const object = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: eventName(event), namespace },
      involvedObject: {
        apiVersion: followedKinds.find((one) => one.kind === kind)?.apiVersions[0],
        kind,
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
      },
      type: event.type,
      reason: event.reason,
      message: event.message.slice(0, longestMessage),
      source: { component: 'podwall', host: reporter.node },
      reportingComponent: 'podwall.dev/agent',
      firstTimestamp: seconds(first),
      lastTimestamp: seconds(last),
      count,
    };
    const path = `/api/v1/namespaces/${namespace}/events`;
    if (event.repeated !== undefined) return this.#apply(`${path}/${object.metadata.name}`, object, signal);
    try {
      await this.#connection.send('POST', path, { contentType: 'application/json', object }, signal);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 409) throw error;
      // The time of the first one stays: since when it holds.
      const stillHolds = { lastTimestamp: object.lastTimestamp };
      const body = { contentType: 'application/merge-patch+json', object: stillHolds } as const;
      await this.#connection.send('PATCH', `${path}/${object.metadata.name}`, body, signal);
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  /** Makes or replaces what we say of the object. */
  async #apply(path: string, object: object, signal: AbortSignal): Promise<void> {
    const body = { contentType: 'application/apply-patch+yaml', object } as const;
    await this.#connection.send('PATCH', `${path}?fieldManager=podwall&force=true`, body, signal);
  }
}

/** RFC 3339 to the second, as metav1.Time is written. */
const seconds = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

/** What the API server takes (core validation of Event). */
const longestMessage = 1024;
const longestName = 253;

/** The same on every node, so that a thousand of them make one Event. */
export function eventName({ object, reason, message, repeated }: ClusterEvent): string {
  const what = repeated?.identity ?? message;
  const identity = [object.kind, object.uid ?? `${object.namespace}/${object.name}`, reason, what];
  const hash = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16);
  return `${object.name.slice(0, longestName - 1 - hash.length)}.${hash}`;
}
