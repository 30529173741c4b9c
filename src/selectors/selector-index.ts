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
  labels: Labels;
  readonly pods: Map<string, Labels>;
  readonly candidates: Candidates<SelectionId>;
}

/**
 * From selections to the pods they select, kept up to date one pod or namespace at a time. A pod's change costs the
 * selections that name its namespace and one of its labels; nothing rescans every selector against every pod.
 */
export class SelectorIndex {
  readonly #selections = new Map<SelectionId, { readonly selection: PodSelection; readonly members: Set<string> }>();
  readonly #namespaces = new Map<string, NamespaceEntry>();
  readonly #selectionsOfPod = new Map<string, ReadonlySet<SelectionId>>();
  readonly #defaultLabels: (namespace: string) => Labels;

  /** @param defaultLabels labels of a namespace of which no object is known (yet) */
  constructor(defaultLabels: (namespace: string) => Labels) {
    this.#defaultLabels = defaultLabels;
  }

  /** Starts following a selection; its members are found now. */
  add(selection: PodSelection): SelectionId {
    const id = selectionId(selection);
    if (this.#selections.has(id)) return id;
    const members = new Set<string>();
    this.#selections.set(id, { selection, members });
    for (const namespace of this.#namespacesOf(selection)) {
      namespace.candidates.add(id, selection.pods);
      for (const [pod, labels] of namespace.pods) if (matches(selection.pods, labels)) this.#join(pod, id, members);
    }
    return id;
  }

  /** Stops following. */
  remove(id: SelectionId): void {
    const entry = this.#selections.get(id);
    if (entry === undefined) return;
    for (const pod of entry.members) this.#setSelections(pod, without(this.selectionsOf(pod), id));
    for (const namespace of this.#namespacesOf(entry.selection)) namespace.candidates.remove(id, entry.selection.pods);
    this.#selections.delete(id);
  }

  membersOf(id: SelectionId): ReadonlySet<string> {
    return this.#selections.get(id)?.members ?? none;
  }

  selectionsOf(pod: string): ReadonlySet<SelectionId> {
    return this.#selectionsOfPod.get(pod) ?? none;
  }

  podsOf(namespace: string): Iterable<string> {
    return this.#namespaces.get(namespace)?.pods.keys() ?? [];
  }

  /** Adds a pod or changes its labels; a pod never changes its namespace. */
  setPod(pod: string, namespace: string, labels: Labels): void {
    const entry = this.#namespace(namespace);
    entry.pods.set(pod, labels);
    const now = new Set<SelectionId>();
    for (const id of entry.candidates.of(labels)) {
      const selection = this.#selections.get(id)?.selection;
      if (selection !== undefined && matches(selection.pods, labels)) now.add(id);
    }
    for (const id of this.selectionsOf(pod)) if (!now.has(id)) this.#selections.get(id)?.members.delete(pod);
    for (const id of now) this.#selections.get(id)?.members.add(pod);
    this.#setSelections(pod, now);
  }

  removePod(pod: string, namespace: string): void {
    for (const id of this.selectionsOf(pod)) this.#selections.get(id)?.members.delete(pod);
    this.#selectionsOfPod.delete(pod);
    this.#namespaces.get(namespace)?.pods.delete(pod);
  }

  /**
   * Sets a namespace's labels (undefined: no such object any more).
   * @returns the pods whose selections may have changed.
   */
  setNamespace(name: string, labels: Labels | undefined): Iterable<string> {
    const entry = this.#namespace(name);
    const before = entry.labels;
    entry.labels = labels ?? this.#defaultLabels(name);
    let changed = false;
    for (const [id, { selection }] of this.#selections) {
      if ('name' in selection.namespaces) continue;
      const was = matches(selection.namespaces, before);
      const is = matches(selection.namespaces, entry.labels);
      if (was === is) continue;
      changed = true;
      if (is) entry.candidates.add(id, selection.pods);
      else entry.candidates.remove(id, selection.pods);
    }
    if (!changed) return [];
    for (const [pod, podLabels] of entry.pods) this.setPod(pod, name, podLabels);
    return entry.pods.keys();
  }

  #namespace(name: string): NamespaceEntry {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    const entry = {
      labels: this.#defaultLabels(name),
      pods: new Map<string, Labels>(),
      candidates: new Candidates<SelectionId>(),
    };
    this.#namespaces.set(name, entry);
    for (const [id, { selection }] of this.#selections)
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

  #join(pod: string, id: SelectionId, members: Set<string>): void {
    members.add(pod);
    this.#setSelections(pod, new Set([...this.selectionsOf(pod), id]));
  }

  #setSelections(pod: string, ids: ReadonlySet<SelectionId>): void {
    if (ids.size === 0) this.#selectionsOfPod.delete(pod);
    else this.#selectionsOfPod.set(pod, ids);
  }
}

const none: ReadonlySet<never> = new Set();

const coversNamespace = ({ namespaces }: PodSelection, name: string, labels: Labels): boolean =>
  'name' in namespaces ? namespaces.name === name : matches(namespaces, labels);

function without(ids: ReadonlySet<SelectionId>, id: SelectionId): ReadonlySet<SelectionId> {
  const rest = new Set(ids);
  rest.delete(id);
  return rest;
}
