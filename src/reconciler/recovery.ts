/**
 * What failed for a fault that is not its own is tried again soon: while nft fails, a harmless transaction each second shows
 * when it works again; policies that the kernel refused, and that fail closed since, are offered to it again and again.
 */
import { messageOf } from '../generic/message-of.js';
import type { ClusterChange } from '../model/cluster.js';
import { objectKey } from '../model/pod.js';
import { policyKey, type AnyPolicy, type PolicyRef } from '../model/policy.js';
import type { Transaction } from '../nftables/language/command.js';
import { isBlame, NftError } from '../nftables/language/nftables.js';
import { isAccepted } from './quarantine.js';
import type { ReconcilerParts } from './reconciler-parts.js';

/** Milliseconds. */
const triesEvery = 1_000;
/** Milliseconds between two offers of a policy that is refused: twice as long each time. */
const offers = { first: 1_000, longest: 60_000 };

/** Changes nothing where the table is, and is only checked. */
const harmless: Transaction = { family: 'inet', table: 'podwall', effect: 'none', commands: [{ kind: 'add table' }] };

interface RecoveryParts extends Pick<ReconcilerParts, 'clock' | 'log' | 'nftables' | 'render'> {
  readonly cluster: Pick<ReconcilerParts['cluster'], 'snapshot'>;
  /** The kernel takes these policies again. */
  readonly reopen: (policies: readonly ClusterChange[]) => void;
  /** nft works again. */
  readonly onWorks: () => void;
}

interface ClosedPolicy {
  readonly ref: PolicyRef;
  /** How often in a row it was refused. */
  refusals: number;
  /** By the loop's clock, in milliseconds. */
  offerAt: number;
  /** nft has failed since it was last offered. */
  isSuspect: boolean;
}

export class Recovery implements Disposable {
  readonly #parts: RecoveryParts;
  readonly #closed = new Map<string, ClosedPolicy>();
  /** Of policies that are open again: the kernel may refuse them once more. */
  readonly #refusals = new Map<string, number>();
  /** nft failed, and nothing has shown since that it works. */
  #isFailing = false;
  /** A harmless transaction failed, too. */
  #isBroken = false;
  #timer: Disposable | undefined;
  #isDisposed = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  /** Policies that fail closed although nothing but a failure of nft speaks against them. */
  get suspects(): readonly PolicyRef[] {
    return [...this.#closed.values()].filter(({ isSuspect }) => isSuspect).map(({ ref }) => ref);
  }

  /** Whatever nft was asked to do, it did not: no fault of what it was given. */
  failed(error: unknown): void {
    if (!(error instanceof NftError) || isBlame(error)) return;
    this.#isFailing = true;
    for (const policy of this.#closed.values()) policy.isSuspect = true;
    this.#wake();
  }

  /** The kernel refused these policies: they fail closed. */
  closed(policies: readonly PolicyRef[]): void {
    for (const ref of policies) {
      const key = policyKey(ref);
      const refusals = (this.#refusals.get(key) ?? 0) + 1;
      this.#closed.set(key, { ref, refusals, offerAt: this.#after(refusals), isSuspect: this.#isFailing });
    }
    this.#wake();
  }

  /** Its author has changed or removed it. */
  changed(policy: PolicyRef): void {
    this.#closed.delete(policyKey(policy));
    this.#refusals.delete(policyKey(policy));
  }

  /** The kernel was changed or repaired: what it refused it may take now. */
  offerNow(): void {
    for (const policy of this.#closed.values()) policy.offerAt = 0;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#timer?.[Symbol.dispose]();
  }

  #after(refusals: number): number {
    return this.#parts.clock.now() + Math.min(offers.first * 2 ** (refusals - 1), offers.longest);
  }

  #wake(): void {
    if (this.#timer !== undefined || this.#isDisposed) return;
    if (!this.#isFailing && this.#closed.size === 0) return;
    this.#timer = this.#parts.clock.after(triesEvery, () => void this.#try());
  }

  async #try(): Promise<void> {
    try {
      if (this.#isFailing) await this.#tryNft();
      await this.#offer();
    } catch (error) {
      this.#isBroken = this.#isFailing;
      this.#parts.log.warn({ error: messageOf(error) }, 'nft still fails');
      this.failed(error);
    }
    this.#timer = undefined;
    this.#wake();
  }

  async #tryNft(): Promise<void> {
    await this.#parts.nftables.check(harmless);
    this.#isFailing = false;
    if (this.#isBroken) this.#parts.onWorks();
    this.#isBroken = false;
  }

  /** All at once where nft has failed, since none of them need be at fault; then each by itself. */
  async #offer(): Promise<void> {
    const now = this.#parts.clock.now();
    const suspects = this.suspects;
    if (suspects.length > 1 && (await this.#accepts(suspects))) this.#reopen(suspects);
    const due = [...this.#closed.values()].filter(({ offerAt, isSuspect }) => isSuspect || offerAt <= now);
    for (const policy of due) {
      if (await this.#accepts([policy.ref])) this.#reopen([policy.ref]);
      else {
        policy.refusals += 1;
        policy.offerAt = this.#after(policy.refusals);
        policy.isSuspect = false;
      }
    }
  }

  /** Whether the kernel would take these policies as they are now; one that is gone is in nobody's way. */
  #accepts(policies: readonly PolicyRef[]): Promise<boolean> {
    return isAccepted({ ...this.#parts.cluster.snapshot(), policies: this.#found(policies) }, this.#parts);
  }

  #reopen(policies: readonly PolicyRef[]): void {
    // Their authors may have changed some meanwhile.
    const closed = policies.map((ref) => this.#closed.get(policyKey(ref))).filter((one) => one !== undefined);
    for (const { ref, refusals } of closed) {
      this.#closed.delete(policyKey(ref));
      this.#refusals.set(policyKey(ref), refusals);
      this.#parts.log.info({ policy: objectKey(ref) }, 'the kernel takes the policy again');
    }
    const found = this.#found(closed.map(({ ref }) => ref));
    this.#parts.reopen(found.map((policy) => ({ kind: 'policy', ref: policy.ref, policy })));
  }

  #found(policies: readonly PolicyRef[]): readonly AnyPolicy[] {
    const keys = new Set(policies.map(policyKey));
    return this.#parts.cluster.snapshot().policies.filter(({ ref }) => keys.has(policyKey(ref)));
  }
}
