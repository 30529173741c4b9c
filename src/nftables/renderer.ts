import { cidrContains, families, familyOf, type Address, type Cidr } from '../model/address.js';
import { directions, type Direction } from '../model/policy.js';
import { changeFrom } from '../program/change.js';
import type {
  Endpoint,
  Group,
  GroupChange,
  GroupId,
  PolicyProgram,
  ProgramChange,
  RuleList,
  RuleListId,
  UnknownChange,
} from '../program/types.js';
import { cacheSets, firstGeneration, generationChains, pointerChains } from './cache.js';
import type { Dirty } from './dirty.js';
import { joinKey, networkKey } from './elements.js';
import { groupSetName, groupSets, memberElement } from './group-sets.js';
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
import { peerElement, peerMapName, peerMapSets, type PeerMap } from './peer-maps.js';
import { auditObjects, openTarget } from './reports.js';
import { renderRuleList, type ListForm, type ListUse, type RenderedRuleList } from './rule-lists.js';
import { setName, skeletonChains, skeletonCounters, skeletonSets, type SkeletonOptions } from './skeleton.js';
import type { Ruleset } from './types.js';
import { WantedRuleset } from './wanted.js';

export interface RenderOptions extends SkeletonOptions {
  /** Rule lists that are tried one after another before peer maps take their place; 8 unless told. */
  readonly listsTried?: number;
}

/** A look-up costs about as much as trying this many lists. */
const listsTriedByDefault = 8;

/** One set of policies, in force or tried in one direction, and the endpoints that it holds for. */
interface SharedJudgement {
  readonly judgement: Judgement;
  readonly end: JudgementEnd;
  readonly endpoints: Map<string, Endpoint>;
  form?: IsolationForm;
}

/**
 * Program changes -> the wanted ruleset. What it holds depends on the present program alone: group -> sets, rule list
 * -> chain, isolation -> chain, endpoint -> elements.
 */
export class Renderer {
  readonly #wanted = new WantedRuleset();
  readonly #groups = new Map<GroupId, Group>();
  readonly #lists = new Map<RuleListId, RenderedRuleList>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #judgements = new Map<string, SharedJudgement>();
  /** Judgements to look at again when a rule list changes. */
  readonly #usersOfList = new Map<RuleListId, Set<string>>();
  /** Peer maps to look at again when a group's members change, by their ids. */
  readonly #mapsOfGroup = new Map<GroupId, Map<string, PeerMap>>();
  /** Who has an address; two pods for a moment, when one is handed on. */
  readonly #owners = new Map<Address, Map<string, Endpoint>>();
  /** The elements of same4 and same6 that begin with an address. */
  readonly #pairs = new Map<Address, readonly string[]>();
  readonly #audit: AuditRules | undefined;
  readonly #listsTried: number;
  #ranges: readonly Cidr[] = [];

  constructor(options: RenderOptions) {
    this.#audit = options.audit;
    this.#listsTried = options.listsTried ?? listsTriedByDefault;
    const audited = auditObjects(options.audit);
    for (const counter of [...skeletonCounters, ...audited.counters]) this.#wanted.retainCounter(counter);
    for (const set of [...skeletonSets(), ...cacheSets(firstGeneration), ...audited.sets]) this.#wanted.addSet(set);
    const cache = [...pointerChains(firstGeneration), ...generationChains(firstGeneration)];
    for (const chain of [...skeletonChains(options), ...cache]) this.#wanted.addChain(chain);
  }

  /** A live view: read, do not keep. Its verdict cache has generation 1; the kernel's may be any. */
  ruleset(): Ruleset {
    return this.#wanted.ruleset;
  }

  apply(change: ProgramChange): Dirty {
    const stale = new Set<string>();
    const touched = new Set<Address>();
    for (const group of change.groups) if (group.change !== 'removed') this.#applyGroup(group);
    for (const { id, after } of change.ruleLists) this.#applyRuleList(id, after, stale);
    for (const { key, after } of change.endpoints) {
      const before = this.#endpoints.get(key);
      if (before !== undefined) this.#removeEndpoint(key, before, stale, touched);
      if (after !== undefined) this.#addEndpoint(key, after, stale, touched);
    }
    for (const key of stale) this.#refresh(key, touched);
    for (const address of touched) this.#place(address);
    for (const group of change.groups) if (group.change === 'removed') this.#removeGroup(group.group);
    if (change.unknown !== undefined) this.#applyUnknown(change.unknown);
    return this.#wanted.takeDirty();
  }

  #applyGroup({ group, change, added, removed }: GroupChange): void {
    this.#groups.set(group.id, group);
    if (change === 'added') {
      for (const set of groupSets(group)) this.#wanted.addSet(set);
      return;
    }
    const setElement = (member: Parameters<typeof memberElement>[1], value: string | undefined): void => {
      const { family, key } = memberElement(group, member);
      this.#wanted.setElement(groupSetName(group.kind, group.id, family), key, value);
    };
    for (const member of removed) setElement(member, undefined);
    for (const member of added) setElement(member, '');
    if (group.kind !== 'pods') return;
    for (const map of this.#mapsOfGroup.get(group.id)?.values() ?? [])
      for (const member of [...removed, ...added]) {
        const { set, verdict } = peerElement(map, member as Address, (id) => this.#group(id));
        this.#wanted.setElement(set, member, verdict);
      }
  }

  #removeGroup(group: Group): void {
    this.#groups.delete(group.id);
    this.#mapsOfGroup.delete(group.id);
    for (const family of families) {
      const name = groupSetName(group.kind, group.id, family);
      if (this.#wanted.ruleset.sets.has(name)) this.#wanted.removeSet(name);
    }
  }

  #applyRuleList(id: RuleListId, after: RuleList | undefined, stale: Set<string>): void {
    const old = this.#lists.get(id);
    if (after === undefined) this.#lists.delete(id);
    else {
      const rendered = renderRuleList(after, (group) => this.#group(group), this.#audit);
      this.#lists.set(id, rendered);
      for (const set of rendered.portSets) this.#wanted.retainSet(set);
      for (const counter of rendered.counters) this.#wanted.retainCounter(counter);
    }
    if (old !== undefined) this.#forgetRuleList(old);
    for (const key of this.#usersOfList.get(id) ?? []) stale.add(key);
  }

  #forgetRuleList(old: RenderedRuleList): void {
    for (const set of old.portSets) this.#wanted.releaseSet(set.name);
    for (const counter of old.counters) this.#wanted.releaseCounter(counter);
  }

  #group(id: GroupId): Group {
    const group = this.#groups.get(id);
    if (group === undefined) throw new Error(`a rule names group ${id}, which the program does not have`);
    return group;
  }

  #formOf(id: RuleListId, use: ListUse): ListForm {
    const rendered = this.#lists.get(id);
    if (rendered === undefined) throw new Error(`an endpoint names rule list ${id}, which the program does not have`);
    return rendered.form(use);
  }

  #removeEndpoint(key: string, endpoint: Endpoint, stale: Set<string>, touched: Set<Address>): void {
    this.#endpoints.delete(key);
    for (const direction of directions) {
      const judgement = judgementOf(endpoint, direction);
      if (judgement === undefined) continue;
      const shared = judgementKey(judgement);
      this.#judgements.get(shared)?.endpoints.delete(key);
      stale.add(shared);
    }
    for (const address of endpoint.addresses) {
      touched.add(address);
      const owners = this.#owners.get(address);
      owners?.delete(key);
      if (owners?.size === 0) this.#owners.delete(address);
    }
  }

  #addEndpoint(key: string, endpoint: Endpoint, stale: Set<string>, touched: Set<Address>): void {
    this.#endpoints.set(key, endpoint);
    for (const direction of directions) {
      const judgement = judgementOf(endpoint, direction);
      if (judgement === undefined) continue;
      const shared = judgementKey(judgement);
      const entry = this.#judgements.get(shared) ?? this.#addJudgement(shared, judgement);
      entry.endpoints.set(key, endpoint);
      stale.add(shared);
    }
    for (const address of endpoint.addresses) {
      touched.add(address);
      const owners = this.#owners.get(address);
      if (owners === undefined) this.#owners.set(address, new Map([[key, endpoint]]));
      else owners.set(key, endpoint);
    }
  }

  #addJudgement(key: string, judgement: Judgement): SharedJudgement {
    const entry: SharedJudgement = { judgement, end: judgementEnd(judgement, this.#audit), endpoints: new Map() };
    this.#judgements.set(key, entry);
    this.#wanted.retainCounter(entry.end.counter);
    this.#wanted.retainChain(entry.end.chain);
    for (const id of listsOf(judgement)) {
      const users = this.#usersOfList.get(id);
      if (users === undefined) this.#usersOfList.set(id, new Set([key]));
      else users.add(key);
    }
    return entry;
  }

  /** Brings a judgement's chains up to date, or takes them away when nobody is left. */
  #refresh(key: string, touched: Set<Address>): void {
    const entry = this.#judgements.get(key);
    if (entry === undefined) return;
    const old = entry.form;
    if (entry.endpoints.size === 0) {
      this.#dropJudgement(key, entry);
      return;
    }
    const form = isolationForm(entry.judgement, {
      formOf: (id, use) => this.#formOf(id, use),
      listsTried: this.#listsTried,
    });
    entry.form = form;
    for (const counter of form.counters) this.#wanted.retainCounter(counter);
    for (const chain of [form.chain, ...form.targets]) this.#wanted.retainChain(chain);
    this.#fillMaps(form.maps, old?.maps ?? []);
    if (old !== undefined) this.#forgetForm(old);
    if (form.chain.name === old?.chain.name) return;
    for (const endpoint of entry.endpoints.values()) for (const address of endpoint.addresses) touched.add(address);
  }

  #forgetForm({ chain, targets, counters }: IsolationForm): void {
    for (const { name } of [chain, ...targets]) this.#wanted.releaseChain(name);
    for (const counter of counters) this.#wanted.releaseCounter(counter);
  }

  /** Maps keep their names while their ports stay, so what changes in them are elements. */
  #fillMaps(maps: readonly PeerMap[], old: readonly PeerMap[]): void {
    const known = new Set(old.map(({ id }) => id));
    const kept = new Set(maps.map(({ id }) => id));
    for (const map of old) {
      for (const { peer } of map.hits) this.#mapsOfGroup.get(peer)?.delete(map.id);
      if (!kept.has(map.id)) for (const family of families) this.#wanted.removeSet(peerMapName(map, family));
    }
    for (const map of maps) {
      for (const { peer } of map.hits) {
        const users = this.#mapsOfGroup.get(peer);
        if (users === undefined) this.#mapsOfGroup.set(peer, new Map([[map.id, map]]));
        else users.set(map.id, map);
      }
      for (const set of peerMapSets(map, (id) => this.#group(id)))
        if (known.has(map.id)) this.#wanted.replaceElements(set);
        else this.#wanted.addSet(set);
    }
  }

  #dropJudgement(key: string, entry: SharedJudgement): void {
    this.#judgements.delete(key);
    if (entry.form !== undefined) {
      this.#fillMaps([], entry.form.maps);
      this.#forgetForm(entry.form);
    }
    this.#wanted.releaseChain(entry.end.chain.name);
    this.#wanted.releaseCounter(entry.end.counter);
    for (const id of listsOf(entry.judgement)) {
      const users = this.#usersOfList.get(id);
      users?.delete(key);
      if (users?.size === 0) this.#usersOfList.delete(id);
    }
  }

  /** All elements of one local address, from who has it now. */
  #place(address: Address): void {
    const owners = [...(this.#owners.get(address)?.values() ?? [])];
    const family = familyOf(address);
    const present = owners.length > 0 ? '' : undefined;
    this.#wanted.setElement(setName.pods(family), address, present);
    this.#placePairs(address, owners);
    for (const direction of directions) {
      const isTold = owners.some((endpoint) => this.#isTold(direction, endpoint));
      this.#wanted.setElement(setName.told(direction, family), address, isTold ? '' : undefined);
      // While two pods have one address, the same one of them is believed on every path; never the open one.
      const [first] = owners.flatMap((endpoint) => this.#targetOf(direction, endpoint)).sort(isolatedFirst);
      const isolated = first?.isolates === true ? '' : undefined;
      this.#wanted.setElement(setName.isolated(direction, family), address, isolated);
      const verdict = first === undefined ? undefined : `goto ${first.chain}`;
      this.#wanted.setElement(setName.dispatch(direction, family), address, verdict);
    }
  }

  /** A pod talks to itself from any of its addresses to any other. */
  #placePairs(address: Address, owners: readonly Endpoint[]): void {
    const family = familyOf(address);
    const others = owners.flatMap((endpoint) => endpoint.addresses.filter((other) => familyOf(other) === family));
    const pairs = [...new Set(others)].map((other) => joinKey(address, other));
    for (const pair of this.#pairs.get(address) ?? [])
      if (!pairs.includes(pair)) this.#wanted.setElement(setName.same(family), pair, undefined);
    for (const pair of pairs) this.#wanted.setElement(setName.same(family), pair, '');
    if (pairs.length > 0) this.#pairs.set(address, pairs);
    else this.#pairs.delete(address);
  }

  #isTold(direction: Direction, endpoint: Endpoint): boolean {
    const isRecorded = endpoint.logsAllowed === true && this.#audit !== undefined;
    return isRecorded || judgementOf(endpoint, direction)?.kind === 'dryRun';
  }

  /** None where packets just go on. */
  #targetOf(direction: Direction, endpoint: Endpoint): Target[] {
    const judgement = judgementOf(endpoint, direction);
    if (judgement === undefined)
      return endpoint.logsAllowed === true && this.#audit !== undefined
        ? [{ chain: openTarget(direction, true), isolates: false }]
        : [];
    const chain = this.#judgements.get(judgementKey(judgement))?.form?.chain;
    return chain === undefined ? [] : [{ chain: chain.name, isolates: judgement.kind === 'enforced' }];
  }

  #applyUnknown(change: UnknownChange): void {
    if (change.ranges !== undefined) {
      const set = (cidr: Cidr, value: string | undefined): void =>
        this.#wanted.setElement(setName.unknownRanges(cidr.family), networkKey(cidr), value);
      for (const cidr of this.#ranges) set(cidr, undefined);
      this.#ranges = outermost(change.ranges);
      for (const cidr of this.#ranges) set(cidr, '');
    }
    for (const address of change.removed)
      this.#wanted.setElement(setName.knownPods(familyOf(address)), address, undefined);
    for (const address of change.added) this.#wanted.setElement(setName.knownPods(familyOf(address)), address, '');
  }
}

/** Where an endpoint's packets of one direction go. */
interface Target {
  readonly chain: string;
  readonly isolates: boolean;
}

const isolatedFirst = (a: Target, b: Target): number =>
  Number(b.isolates) - Number(a.isolates) || (a.chain < b.chain ? -1 : 1);

const listsOf = ({ isolation, wouldAllow }: Judgement): readonly RuleListId[] => [
  ...isolation.allowedBy,
  ...wouldAllow,
];

/** nft refuses a network inside another one. */
const outermost = (ranges: readonly Cidr[]): Cidr[] =>
  ranges.filter((range) => !ranges.some((other) => other.prefix < range.prefix && cidrContains(other, range.address)));

/** The ruleset of a whole program. */
export function render(program: PolicyProgram, options: RenderOptions): Ruleset {
  const renderer = new Renderer(options);
  renderer.apply(changeFrom(program));
  return renderer.ruleset();
}
