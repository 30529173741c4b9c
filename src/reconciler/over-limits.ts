/** What is over a limit now, by name: for the log, status, metrics and Events. */
import { excessText, type Excess, type LimitSettings } from '../limits/limits.js';
import type { CountedPolicy, NamespaceCounts } from '../limits/namespace-counts.js';
import type { OverLimit } from '../limits/over-limit.js';
import { formatPath, type Diagnostic } from '../model/diagnostic.js';
import { policyKey, type AnyPolicy, type PolicyRef } from '../model/policy.js';
import type { Endpoint } from '../program/types.js';
import type { ReconcilerLog } from './types.js';

type Identity = Pick<OverLimit, 'namespace' | 'name' | 'uid'>;
type Path = Diagnostic['path'];

/** Lines of the log for one set of changes; the rest is in status. */
const mostLogged = 20;

export class OverLimits {
  readonly #options: LimitSettings;
  readonly #log: ReconcilerLog;
  /** By kind and name. */
  readonly #found = new Map<string, readonly OverLimit[]>();
  /** Not yet logged. */
  readonly #fresh: OverLimit[] = [];

  constructor(options: LimitSettings, log: ReconcilerLog) {
    this.#options = options;
    this.#log = log;
  }

  all(): readonly OverLimit[] {
    return [...this.#found.values()].flat();
  }

  takePolicy(ref: PolicyRef, counted: CountedPolicy | undefined): void {
    const found = (counted?.excesses ?? []).map((excess) =>
      this.#overLimit('policy', identityOf(counted?.policy ?? { ref }), excess),
    );
    this.#set(`policy ${policyKey(ref)}`, found);
  }

  takeNamespace(name: string, uid: string | undefined, counts: NamespaceCounts): void {
    const identity = { namespace: name, name, ...(uid === undefined ? {} : { uid }) };
    const found = counts.excesses().map((excess) => this.#overLimit('namespace', identity, excess));
    this.#set(`namespace ${name}`, found);
  }

  takePod(key: string, endpoint: Endpoint | undefined): void {
    const most = this.#options.limits.podPolicies;
    const { policies: count = 0 } = endpoint ?? {};
    const isOver = endpoint !== undefined && count > most;
    const found = isOver
      ? [this.#overLimit('pod', { ...endpoint.pod, uid: endpoint.podUid }, { limit: 'podPolicies', count, most })]
      : [];
    this.#set(`pod ${key}`, found);
  }

  /** @param refused what a policy that does not fit into memory takes, in bytes, and the reason to report; undefined: it fits */
  takeMemory(
    policy: Pick<AnyPolicy, 'ref' | 'uid'>,
    refused: Pick<OverLimit, 'count' | 'most' | 'message'> | undefined,
  ): void {
    const found = (text: Pick<OverLimit, 'count' | 'most' | 'message'>): OverLimit => ({
      of: 'policy',
      ...identityOf(policy),
      limit: 'policyMemory',
      ...text,
      refused: true,
    });
    this.#set(`memory ${policyKey(policy.ref)}`, refused === undefined ? [] : [found(refused)]);
  }

  /** Writes the lines of the log for what is over since this was last called. */
  log(): void {
    const fresh = this.#fresh.splice(0);
    for (const { of, namespace, name, limit, message, refused } of fresh.slice(0, mostLogged))
      this.#log.warn({ of, namespace, name, limit, message, refused }, 'over a limit');
    if (fresh.length > mostLogged)
      this.#log.warn({ more: fresh.length - mostLogged }, 'over a limit: more of them are in status');
  }

  #overLimit(of: OverLimit['of'], identity: Identity, excess: Excess & { readonly path?: Path }): OverLimit {
    const where = excess.path === undefined ? '' : `${formatPath(excess.path)}: `;
    const message = `${where}${excessText(excess)}`;
    const { limit, count, most } = excess;
    return { of, ...identity, limit, count, most, message, refused: this.#options.mode === 'enforce' };
  }

  #set(key: string, found: readonly OverLimit[]): void {
    if (found.length === 0) {
      this.#found.delete(key);
      return;
    }
    const known = new Set(this.#found.get(key)?.map(({ limit }) => limit));
    this.#fresh.push(...found.filter(({ limit }) => !known.has(limit)));
    this.#found.set(key, found);
  }
}

const identityOf = ({ ref: { namespace, name }, uid }: Pick<AnyPolicy, 'ref' | 'uid'>): Identity => ({
  namespace,
  name,
  ...(uid === undefined ? {} : { uid }),
});
