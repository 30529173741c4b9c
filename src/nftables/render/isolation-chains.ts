import type { Address } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import type { Endpoint, RuleListId } from '../../program/types.js';
import * as x from '../language/expressions.js';
import type { Chain } from '../language/types.js';
import type { Target } from './address-elements.js';
import type { ChainNode, ChainTrees } from './chain-trees.js';
import { isolationEnd, isolationForm, type IsolationEnd } from './isolation-form.js';
import { IsolationSpecs, ruleListsOf, type IsolationSpec, type KeyedIsolation } from './isolation-spec.js';
import type { AuditRules } from './log-rules.js';
import { notIsolatedTarget } from './report-chains.js';
import type { RenderedRuleList } from './rule-lists.js';
import { untrackedChain } from './untracked-chains.js';
import type { DesiredRuleset } from './desired.js';

/** One set of policies, in force or in a dry run in one direction, and the endpoints that it holds for. */
interface SharedIsolation {
  readonly spec: IsolationSpec;
  readonly end: IsolationEnd;
  readonly endpoints: Map<string, Endpoint>;
  form?: ChainNode;
  /** Of packets that nobody tracks; empty where those are not evaluated. */
  untracked: readonly Chain[];
}

interface IsolationChainsOptions {
  readonly audit: AuditRules | undefined;
  /** As many rule lists are jumped to one after another; the rules of more are put together. */
  readonly inlineLists: number;
  /** As many of those are tried one after another. */
  readonly inlineRules: number;
  /** Packets that nobody tracks are evaluated by their header. */
  readonly isStateless: boolean;
  readonly ruleList: (id: RuleListId) => RenderedRuleList;
  readonly trees: ChainTrees;
}

/** The chains that decide about endpoints' packets: each is there once, for all endpoints that it holds for. */
export class IsolationChains {
  readonly #desired: DesiredRuleset;
  readonly #options: IsolationChainsOptions;
  readonly #isolations = new Map<string, SharedIsolation>();
  /** Isolations to look at again when a rule list changes. */
  readonly #usersOfList = new Map<RuleListId, Set<string>>();
  readonly #specs = new IsolationSpecs();
  /** Whose chains may be other ones now: new ones, and those of changed rule lists. */
  readonly #stale = new Set<string>();
  /** Their last endpoint has left them; another one may have come since. */
  readonly #left = new Set<string>();

  constructor(desired: DesiredRuleset, options: IsolationChainsOptions) {
    this.#desired = desired;
    this.#options = options;
  }

  add(key: string, endpoint: Endpoint): void {
    for (const direction of directions) {
      const isolation = this.#specs.of(endpoint, direction);
      if (isolation === undefined) continue;
      const entry = this.#isolations.get(isolation.key) ?? this.#begin(isolation);
      entry.endpoints.set(key, endpoint);
    }
  }

  remove(key: string, endpoint: Endpoint): void {
    for (const direction of directions) {
      const isolation = this.#specs.of(endpoint, direction);
      const entry = isolation && this.#isolations.get(isolation.key);
      if (isolation === undefined || entry === undefined) continue;
      entry.endpoints.delete(key);
      if (entry.endpoints.size === 0) this.#left.add(isolation.key);
    }
  }

  ruleListChanged(id: RuleListId): void {
    for (const key of this.#usersOfList.get(id) ?? []) this.#stale.add(key);
  }

  /**
   * Brings chains up to date with everything since the last call.
   * @returns the addresses whose packets go to another chain now
   */
  refresh(): ReadonlySet<Address> {
    const moved = new Set<Address>();
    for (const key of this.#stale) {
      const entry = this.#isolations.get(key);
      if (entry !== undefined && entry.endpoints.size > 0 && this.#renew(key, entry))
        for (const endpoint of entry.endpoints.values()) for (const address of endpoint.addresses) moved.add(address);
    }
    this.#stale.clear();
    // Last: what takes their place has most chains in common with them.
    for (const key of this.#left) {
      const entry = this.#isolations.get(key);
      if (entry?.endpoints.size === 0) this.#end(key, entry);
    }
    this.#left.clear();
    return moved;
  }

  /** Where the endpoint's packets of one direction go, after {@link refresh}; undefined where they just go on. */
  targetOf(direction: Direction, endpoint: Endpoint): Target | undefined {
    const isolation = this.#specs.of(endpoint, direction);
    const isRecorded = endpoint.logsAllowed === true && this.#options.audit !== undefined;
    if (isolation === undefined)
      return isRecorded ? { chain: notIsolatedTarget(direction, true), isolates: false, isReported: true } : undefined;
    const chain = this.#isolations.get(isolation.key)?.form?.chain;
    const isDryRun = isolation.spec.kind === 'dryRun';
    const [asFlow, asAnswer] = this.#isolations.get(isolation.key)?.untracked ?? [];
    const untracked = asFlow && asAnswer && { untracked: { flow: asFlow.name, answer: asAnswer.name } };
    return chain && { chain: chain.name, isolates: !isDryRun, isReported: isDryRun || isRecorded, ...untracked };
  }

  #begin({ key, spec }: KeyedIsolation): SharedIsolation {
    const end = isolationEnd(spec, this.#options.audit);
    const entry: SharedIsolation = { spec, end, endpoints: new Map(), untracked: [] };
    this.#isolations.set(key, entry);
    this.#stale.add(key);
    this.#desired.retainCounter(end.counter);
    this.#desired.retainChain(end.chain);
    for (const id of ruleListsOf(spec)) {
      const users = this.#usersOfList.get(id);
      if (users === undefined) this.#usersOfList.set(id, new Set([key]));
      else users.add(key);
    }
    return entry;
  }

  /** @returns whether packets now go to another chain. */
  #renew(key: string, entry: SharedIsolation): boolean {
    const { inlineLists, inlineRules, ruleList, trees } = this.#options;
    const known = (name: string): ChainNode | undefined => trees.known(name);
    const old = entry.form;
    const form = isolationForm({ key, spec: entry.spec }, { ruleList, inlineLists, inlineRules, known });
    entry.form = form;
    trees.retain(form);
    if (old !== undefined) trees.release(old);
    this.#renewUntracked(entry);
    return form.chain.name !== old?.chain.name;
  }

  /** They have other names whenever the isolation's chain has. */
  #renewUntracked(entry: SharedIsolation): void {
    if (!this.#options.isStateless || entry.spec.kind === 'dryRun') return;
    const { untracked } = entry;
    entry.untracked = x.headerReadings.map((as) => untrackedChain(entry.spec, as, this.#options.ruleList));
    for (const chain of entry.untracked) this.#desired.retainChain(chain);
    for (const { name } of untracked) this.#desired.releaseChain(name);
  }

  /** Nobody is left for whom it holds. */
  #end(key: string, { spec, end, form, untracked }: SharedIsolation): void {
    this.#isolations.delete(key);
    if (form !== undefined) this.#options.trees.release(form);
    this.#desired.releaseChain(end.chain.name);
    for (const { name } of untracked) this.#desired.releaseChain(name);
    this.#desired.releaseCounter(end.counter);
    for (const id of ruleListsOf(spec)) {
      const users = this.#usersOfList.get(id);
      users?.delete(key);
      if (users?.size === 0) this.#usersOfList.delete(id);
    }
  }
}
