import type { Address } from '../../model/address.js';
import { directions, type Direction } from '../../model/policy.js';
import type { Endpoint, RuleListId } from '../../program/types.js';
import type { Target } from './address-elements.js';
import {
  isolationForm,
  judgementEnd,
  judgementKey,
  judgementOf,
  type IsolationForm,
  type Judgement,
  type JudgementEnd,
} from './isolation-chains.js';
import type { AuditRules } from './log-rules.js';
import type { PeerMapSets } from './peer-map-sets.js';
import { openTarget } from './report-chains.js';
import type { RenderedRuleList } from './rule-lists.js';
import type { WantedRuleset } from './wanted.js';

/** One set of policies, in force or tried in one direction, and the endpoints that it holds for. */
interface SharedJudgement {
  readonly judgement: Judgement;
  readonly end: JudgementEnd;
  readonly endpoints: Map<string, Endpoint>;
  form?: IsolationForm;
}

export interface SharedJudgementsOptions {
  readonly audit: AuditRules | undefined;
  /** Rule lists that are tried one after another before peer maps take their place. */
  readonly listsTried: number;
  readonly ruleList: (id: RuleListId) => RenderedRuleList;
  readonly peerMaps: PeerMapSets;
}

/** The chains that judge endpoints: one judgement is there once, for all endpoints that it holds for. */
export class SharedJudgements {
  readonly #wanted: WantedRuleset;
  readonly #options: SharedJudgementsOptions;
  readonly #judgements = new Map<string, SharedJudgement>();
  /** Judgements to look at again when a rule list changes. */
  readonly #usersOfList = new Map<RuleListId, Set<string>>();
  /** Whose chains may be other ones now. */
  readonly #stale = new Set<string>();

  constructor(wanted: WantedRuleset, options: SharedJudgementsOptions) {
    this.#wanted = wanted;
    this.#options = options;
  }

  add(key: string, endpoint: Endpoint): void {
    for (const direction of directions) {
      const judgement = judgementOf(endpoint, direction);
      if (judgement === undefined) continue;
      const shared = judgementKey(judgement);
      const entry = this.#judgements.get(shared) ?? this.#begin(shared, judgement);
      entry.endpoints.set(key, endpoint);
      this.#stale.add(shared);
    }
  }

  remove(key: string, endpoint: Endpoint): void {
    for (const direction of directions) {
      const judgement = judgementOf(endpoint, direction);
      if (judgement === undefined) continue;
      const shared = judgementKey(judgement);
      this.#judgements.get(shared)?.endpoints.delete(key);
      this.#stale.add(shared);
    }
  }

  ruleListChanged(id: RuleListId): void {
    for (const key of this.#usersOfList.get(id) ?? []) this.#stale.add(key);
  }

  /**
   * Brings chains up to date with all that was told since the last call.
   * @returns the addresses whose packets go to another chain now
   */
  refresh(): ReadonlySet<Address> {
    const moved = new Set<Address>();
    for (const key of this.#stale) {
      const entry = this.#judgements.get(key);
      if (entry === undefined) continue;
      if (entry.endpoints.size === 0) this.#end(key, entry);
      else if (this.#renew(entry))
        for (const endpoint of entry.endpoints.values()) for (const address of endpoint.addresses) moved.add(address);
    }
    this.#stale.clear();
    return moved;
  }

  /** Where the endpoint's packets of one direction go, after {@link refresh}; undefined where they just go on. */
  targetOf(direction: Direction, endpoint: Endpoint): Target | undefined {
    const judgement = judgementOf(endpoint, direction);
    const isRecorded = endpoint.logsAllowed === true && this.#options.audit !== undefined;
    if (judgement === undefined)
      return isRecorded ? { chain: openTarget(direction, true), isolates: false, isTold: true } : undefined;
    const chain = this.#judgements.get(judgementKey(judgement))?.form?.chain;
    const isTried = judgement.kind === 'dryRun';
    return chain && { chain: chain.name, isolates: !isTried, isTold: isTried || isRecorded };
  }

  #begin(key: string, judgement: Judgement): SharedJudgement {
    const end = judgementEnd(judgement, this.#options.audit);
    const entry: SharedJudgement = { judgement, end, endpoints: new Map() };
    this.#judgements.set(key, entry);
    this.#wanted.retainCounter(end.counter);
    this.#wanted.retainChain(end.chain);
    for (const id of listsOf(judgement)) {
      const users = this.#usersOfList.get(id);
      if (users === undefined) this.#usersOfList.set(id, new Set([key]));
      else users.add(key);
    }
    return entry;
  }

  /** @returns whether packets now go to another chain. */
  #renew(entry: SharedJudgement): boolean {
    const { listsTried, ruleList, peerMaps } = this.#options;
    const old = entry.form;
    const form = isolationForm(entry.judgement, { formOf: (id, use) => ruleList(id).form(use), listsTried });
    entry.form = form;
    for (const counter of form.counters) this.#wanted.retainCounter(counter);
    for (const chain of [form.chain, ...form.targets]) this.#wanted.retainChain(chain);
    peerMaps.replace(old?.maps ?? [], form.maps);
    if (old !== undefined) this.#forget(old);
    return form.chain.name !== old?.chain.name;
  }

  #forget({ chain, targets, counters }: IsolationForm): void {
    for (const { name } of [chain, ...targets]) this.#wanted.releaseChain(name);
    for (const counter of counters) this.#wanted.releaseCounter(counter);
  }

  /** Nobody is left for whom it holds. */
  #end(key: string, { judgement, end, form }: SharedJudgement): void {
    this.#judgements.delete(key);
    if (form !== undefined) {
      this.#options.peerMaps.replace(form.maps, []);
      this.#forget(form);
    }
    this.#wanted.releaseChain(end.chain.name);
    this.#wanted.releaseCounter(end.counter);
    for (const id of listsOf(judgement)) {
      const users = this.#usersOfList.get(id);
      users?.delete(key);
      if (users?.size === 0) this.#usersOfList.delete(id);
    }
  }
}

const listsOf = ({ isolation, wouldAllow }: Judgement): readonly RuleListId[] => [
  ...isolation.allowedBy,
  ...wouldAllow,
];
