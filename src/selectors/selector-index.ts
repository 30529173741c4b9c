import type { Labels, LabelSelector } from '../model/labels.js';
import { Candidates } from './candidates.js';
import { canonicalText, matches } from './match.js';

/** Which pods a peer or subject selects: by namespace name, or by the namespace's labels. */
export interface PodSelection {
  readonly namespaces: { readonly name: string } | LabelSelector;
  readonly pods: LabelSelector;
}

export type SelectionId = string & { readonly __brand: 'SelectionId' };

/** Same text, same selection. */
export function selectionId({ namespaces, pods }: PodSelection): SelectionId {
  const scope = 'name' in namespaces ? `namespace ${namespaces.name}` : `namespaces(${canonicalText(namespaces)})`;
  return `${scope} pods(${canonicalText(pods)})` as SelectionId;
}

interface NamespaceEntry {
  /** There is a Namespace object of this name; without one the labels are the default ones. */
  hasObject: boolean;
  labels: Labels;
  readonly pods: Map<string, Labels>;
  readonly candidates: Candidates<SelectionId>;
}

/** The selections of a pod that a change of its namespace gave to it or took from it. */
interface SelectionMove {
  readonly pod: string;
  readonly before: ReadonlySet<SelectionId>;
  readonly now: ReadonlySet<SelectionId>;
}

/**
 * Which selections are followed, and which pods they select. Pairs of the two are never stored: a thousand selectors of
 * a thousand pods would be a million. A pod's change costs the selections that name its namespace and one of its labels;
 * nothing rescans every selector against every pod.
 */
export class SelectorIndex {
  readonly #selections = new Map<SelectionId, PodSelection>();
  readonly #namespaces = new Map<string, NamespaceEntry>();
  readonly #defaultLabels: (namespace: string) => Labels;

  /** @param defaultLabels labels of a namespace of which no object is known (yet) */
  constructor(defaultLabels: (namespace: string) => Labels) {
    this.#defaultLabels = defaultLabels;
  }

  /** Starts following a selection. */
  add(selection: PodSelection): SelectionId {
    const id = selectionId(selection);
    if (this.#selections.has(id)) return id;
    this.#selections.set(id, selection);
    for (const namespace of this.#namespacesOf(selection)) namespace.candidates.add(id, selection.pods);
    return id;
  }

  /** Stops following. */
  remove(id: SelectionId): void {
    const selection = this.#selections.get(id);
    if (selection === undefined) return;
    for (const namespace of this.#namespacesOf(selection)) namespace.candidates.remove(id, selection.pods);
    this.#selections.delete(id);
  }

  /** The pods that it selects now, one by one. */
  *membersOf(id: SelectionId): Iterable<string> {
    const selection = this.#selections.get(id);
    if (selection === undefined) return;
    for (const namespace of this.#namespacesOf(selection))
      for (const [pod, labels] of namespace.pods) if (matches(selection.pods, labels)) yield pod;
  }

  /** The selections that select a pod of this namespace now. */
  selectionsOf(pod: string, namespace: string): ReadonlySet<SelectionId> {
    const entry = this.#namespaces.get(namespace);
    const labels = entry?.pods.get(pod);
    return entry === undefined || labels === undefined ? none : this.#matching(entry.candidates, labels);
  }

  /** Adds a pod or changes its labels; a pod never changes its namespace. */
  setPod(pod: string, namespace: string, labels: Labels): void {
    this.#namespace(namespace).pods.set(pod, labels);
  }

  removePod(pod: string, namespace: string): void {
    this.#namespaces.get(namespace)?.pods.delete(pod);
    this.#dropIfEmpty(namespace);
  }

  /** The pods of a namespace, one by one. */
  podsOf(namespace: string): Iterable<string> {
    return this.#namespaces.get(namespace)?.pods.keys() ?? [];
  }

  /**
   * Sets a namespace's labels (undefined: no such object any more).
   * @returns the pods whose selections this changed, each with those that are not as before
   */
  setNamespace(name: string, labels: Labels | undefined): readonly SelectionMove[] {
    const entry = this.#namespace(name);
    const before = entry.labels;
    entry.labels = labels ?? this.#defaultLabels(name);
    entry.hasObject = labels !== undefined;
    this.#dropIfEmpty(name);
    const [joined, left] = [new Candidates<SelectionId>(), new Candidates<SelectionId>()];
    let changed = false;
    for (const [id, { namespaces, pods }] of this.#selections) {
      if ('name' in namespaces) continue;
      const was = matches(namespaces, before);
      const is = matches(namespaces, entry.labels);
      if (was === is) continue;
      changed = true;
      (is ? joined : left).add(id, pods);
      if (is) entry.candidates.add(id, pods);
      else entry.candidates.remove(id, pods);
    }
    if (!changed) return [];
    return [...entry.pods].map(([pod, own]) => ({
      pod,
      before: this.#matching(left, own),
      now: this.#matching(joined, own),
    }));
  }

  #matching(candidates: Candidates<SelectionId>, labels: Labels): ReadonlySet<SelectionId> {
    const found = new Set<SelectionId>();
    for (const id of candidates.of(labels)) {
      const selection = this.#selections.get(id);
      if (selection !== undefined && matches(selection.pods, labels)) found.add(id);
    }
    return found;
  }

  /** What nothing is known of is not followed. */
  #dropIfEmpty(name: string): void {
    const entry = this.#namespaces.get(name);
    if (entry?.hasObject === false && entry.pods.size === 0) this.#namespaces.delete(name);
  }

  #namespace(name: string): NamespaceEntry {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const entry = {
      hasObject: false,
      labels: this.#defaultLabels(name),
      pods: new Map<string, Labels>(),
      candidates: new Candidates<SelectionId>(),
    };
    this.#namespaces.set(name, entry);
    for (const [id, selection] of this.#selections)
      if (coversNamespace(selection, name, entry.labels)) entry.candidates.add(id, selection.pods);
    return entry;
  }

  *#namespacesOf({ namespaces }: PodSelection): Iterable<NamespaceEntry> {
    if ('name' in namespaces) {
      const known = this.#namespaces.get(namespaces.name);
      if (known !== undefined) yield known;
      return;
    }
    for (const entry of this.#namespaces.values()) if (matches(namespaces, entry.labels)) yield entry;
  }
}

const none: ReadonlySet<never> = new Set();

const coversNamespace = ({ namespaces }: PodSelection, name: string, labels: Labels): boolean =>
  'name' in namespaces ? namespaces.name === name : matches(namespaces, labels);
