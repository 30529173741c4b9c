import { nodePolicyStatusKind, type EnforcedPolicy, type NodePolicyStatus } from '../../model/node-policy-status.js';
import { InputError } from '../../generic/input-error.js';
import { ApiError, refusalOf } from './api-errors.js';
import { ApiConnection } from './connection.js';
import type { ConnectionChoice } from './kube-config.js';
import { listPages } from './list-pages.js';

/** What every node says that it enforces, by node name. */
export class NodePolicyStatuses implements Disposable {
  readonly #connection: ApiConnection;

  private constructor(connection: ApiConnection) {
    this.#connection = connection;
  }

  /** @throws InputError when there is no configuration, or none of that name */
  static async open(choice: ConnectionChoice): Promise<NodePolicyStatuses> {
    return new NodePolicyStatuses(await ApiConnection.open(choice));
  }

  /** @throws InputError when the server cannot be reached, does not let us read, or does not know the kind. */
  async list(signal: AbortSignal): Promise<ReadonlyMap<string, NodePolicyStatus>> {
    const { server } = this.#connection;
    const statuses = new Map<string, NodePolicyStatus>();
    try {
      for await (const { items = [] } of listPages(this.#connection, nodePolicyStatusKind, signal))
        for (const item of items as readonly StatusObject[]) {
          const { name } = item.metadata ?? {};
          if (name !== undefined) statuses.set(name, statusOf(item));
        }
    } catch (error) {
      if (error instanceof ApiError && error.status === 404)
        throw new InputError(
          `${server}: the kind NodePolicyStatus is not installed, so agents report no status (set the chart's nodePolicyStatus.enabled)`,
        );
      throw refusalOf(error, this.#connection, signal);
    }
    return statuses;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

interface StatusObject {
  readonly metadata?: { readonly name?: string };
  readonly status?: Partial<NodePolicyStatus> & { readonly policies?: readonly EnforcedPolicy[] };
}

/** The CRD's schema has been checked by the server; what an older agent did not write counts as nothing. */
const statusOf = ({ status = {} }: StatusObject): NodePolicyStatus => ({
  ready: status.ready ?? false,
  revision: status.revision ?? 0,
  observedAt: status.observedAt ?? new Date(0).toISOString(),
  endpoints: status.endpoints ?? 0,
  unattached: status.unattached ?? 0,
  policies: status.policies ?? [],
});
