import { cidrContains, familyOf, type Cidr, type Family } from '../../model/address.js';
import { changeFrom } from '../../program/change.js';
import type {
  Endpoint,
  GroupChange,
  PolicyProgram,
  ProgramChange,
  RuleList,
  RuleListId,
  UnknownChange,
} from '../../program/types.js';
import { setName } from '../names/sets.js';
import { AddressElements } from './address-elements.js';
import { AddressFamilies } from './address-families.js';
import { ChainTrees } from './chain-trees.js';
import { cacheSets, firstCache, generationChains, pointerChains } from './cache.js';
import type { Dirty } from './dirty.js';
import { networkKey } from '../language/elements.js';
import { GroupSets } from './group-sets.js';
import type { AuditRules } from './log-rules.js';
import { PeerBuckets } from './peer-buckets.js';
import { auditObjects } from './report-chains.js';
import { renderRuleList, type RenderedRuleList } from './rule-lists.js';
import { IsolationChains } from './isolation-chains.js';
import { skeletonSets } from './skeleton-sets.js';
import { skeletonChains, skeletonCounters, type SkeletonOptions } from './skeleton.js';
import type { Ruleset } from '../language/types.js';
import { DesiredRuleset } from './desired.js';

export interface RenderOptions extends SkeletonOptions {
  /** As many rule lists of a pod are jumped to one after another; the rules of more are put together; 8 by default. */
  readonly inlineLists?: number;
  /** As many of those rules are tried one after another; more are looked for in buckets; 48 by default. */
  readonly inlineRules?: number;
}

/** Rules that are put together cost about as much as jumping to this many lists. */
const defaultInlineLists = 8;
/** Buckets cost a look-up each. */
const defaultInlineRules = 48;

/**
 * Program changes -> the desired ruleset. What it holds depends on the present program alone:
 *
 *   groups     -> elements of sets, and of buckets
 *   rule lists -> sets of ports, CIDRs and groups, counters, and (where an isolation jumps to them) chains
 *   endpoints  -> isolations -> chains, shared
 *              -> elements of their addresses, by which packets find those chains
 */
export class Renderer {
  readonly #desired = new DesiredRuleset();
  readonly #groups = new GroupSets(this.#desired);
  readonly #lists = new Map<RuleListId, { readonly list: RuleList; readonly rendered: RenderedRuleList }>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #addressFamilies = new AddressFamilies();
  /** That lists and sets are rendered for. */
  #families: readonly Family[] = [];
  readonly #buckets = new PeerBuckets(this.#desired, this.#groups);
  readonly #isolations: IsolationChains;
  readonly #addresses: AddressElements;
  readonly #audit: AuditRules | undefined;
  #ranges: readonly Cidr[] = [];

  constructor(options: RenderOptions) {
    const { audit, inlineLists = defaultInlineLists, inlineRules = defaultInlineRules, untracked } = options;
    this.#audit = audit;
    this.#isolations = new IsolationChains(this.#desired, {
      audit,
      inlineLists,
      inlineRules,
      isStateless: untracked === 'stateless',
      ruleList: (id) => this.#ruleList(id),
      trees: new ChainTrees(this.#desired, this.#buckets),
    });
    this.#addresses = new AddressElements(this.#desired, {
      isStateless: untracked === 'stateless',
      targetOf: (direction, endpoint) => this.#isolations.targetOf(direction, endpoint),
    });
    const logObjects = auditObjects(audit);
    for (const counter of [...skeletonCounters, ...logObjects.counters]) this.#desired.retainCounter(counter);
    for (const set of [...skeletonSets(untracked), ...cacheSets(firstCache.generation), ...logObjects.sets])
      this.#desired.addSet(set);
    const cache = [...pointerChains(firstCache), ...generationChains(firstCache.generation)];
    for (const chain of [...skeletonChains(options), ...cache]) this.#desired.addChain(chain);
  }

  /** A live view: read, do not keep. Its verdict cache has generation 1; the kernel's may be any. */
  ruleset(): Ruleset {
    return this.#desired.ruleset;
  }

  apply(change: ProgramChange): Dirty {
    for (const group of change.groups) if (group.change !== 'removed') this.#applyGroup(group);
    for (const { key, after } of change.endpoints) this.#addressFamilies.replace(this.#endpoints.get(key), after);
    this.#useFamilies(this.#addressFamilies.inUse());
    for (const { id, after } of change.ruleLists) this.#applyRuleList(id, after);
    for (const { key, after } of change.endpoints) this.#applyEndpoint(key, after);
    this.#addresses.refresh(this.#isolations.refresh());
    this.#buckets.refresh();
    for (const group of change.groups) if (group.change === 'removed') this.#groups.groupRemoved(group.group.id);
    if (change.unknown !== undefined) this.#applyUnknown(change.unknown);
    return this.#desired.takeDirty();
  }

  #applyGroup(change: GroupChange): void {
    for (const pods of this.#groups.groupChanged(change)) this.#buckets.membersChanged(pods);
  }

  /** Nearly always from none to those of all pods, with the first of them. */
  #useFamilies(families: readonly Family[]): void {
    if (families.join() === this.#families.join()) return;
    this.#families = families;
    this.#groups.useFamilies(families);
    this.#buckets.useFamilies(families);
    for (const [id, { list }] of this.#lists) this.#applyRuleList(id, list);
  }

  #applyRuleList(id: RuleListId, after: RuleList | undefined): void {
    const old = this.#lists.get(id)?.rendered;
    if (after === undefined) this.#lists.delete(id);
    else {
      const context = { groups: this.#groups, families: this.#families, audit: this.#audit };
      const rendered = renderRuleList(after, context);
      this.#lists.set(id, { list: after, rendered });
      for (const set of rendered.sets.fixed) this.#desired.retainSet(set);
      for (const use of rendered.sets.ofGroups) this.#groups.retain(use);
      for (const counter of rendered.counters) this.#desired.retainCounter(counter);
    }
    for (const { name } of old?.sets.fixed ?? []) this.#desired.releaseSet(name);
    for (const use of old?.sets.ofGroups ?? []) this.#groups.release(use);
    for (const counter of old?.counters ?? []) this.#desired.releaseCounter(counter);
    this.#isolations.ruleListChanged(id);
  }

  #applyEndpoint(key: string, after: Endpoint | undefined): void {
    const before = this.#endpoints.get(key);
    if (before !== undefined) for (const part of [this.#isolations, this.#addresses]) part.remove(key, before);
    if (after === undefined) {
      this.#endpoints.delete(key);
      return;
    }
    this.#endpoints.set(key, after);
    for (const part of [this.#isolations, this.#addresses]) part.add(key, after);
  }

  #ruleList(id: RuleListId): RenderedRuleList {
    const rendered = this.#lists.get(id)?.rendered;
    if (rendered === undefined) throw new Error(`an endpoint names rule list ${id}, which the program does not have`);
    return rendered;
  }

  #applyUnknown(change: UnknownChange): void {
    if (change.ranges !== undefined) {
      const set = (cidr: Cidr, value: string | undefined): void =>
        this.#desired.setElement(setName.unknownRanges(cidr.family), networkKey(cidr), value);
      for (const cidr of this.#ranges) set(cidr, undefined);
      this.#ranges = outermost(change.ranges);
      for (const cidr of this.#ranges) set(cidr, '');
    }
    for (const address of change.removed)
      this.#desired.setElement(setName.knownPods(familyOf(address)), address, undefined);
    for (const address of change.added) this.#desired.setElement(setName.knownPods(familyOf(address)), address, '');
  }
}

/** nft refuses a network inside another one. */
const outermost = (ranges: readonly Cidr[]): Cidr[] =>
  ranges.filter((range) => !ranges.some((other) => other.prefix < range.prefix && cidrContains(other, range.address)));

/** The ruleset of a whole program. */
export function render(program: PolicyProgram, options: RenderOptions): Ruleset {
  const renderer = new Renderer(options);
  renderer.apply(changeFrom(program));
  return renderer.ruleset();
}
