/** The value of a YAML document that was inspected, as go-yaml makes it: its merges (`<<`) are not those of the library. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Document, type YAMLMap } from 'yaml';
import { isMergeKey } from './yaml-problems.js';

export const documentValue = (document: Document): unknown => new Values().of(document.contents);

class Values {
  /** Of the nodes so far: an alias stands for what is before it. */
  readonly #anchored = new Map<string, unknown>();

  of(node: unknown): unknown {
    if (isAlias(node)) return this.#anchored.get(node.source);
    const value = this.#content(node);
    if (isNode(node) && !isAlias(node) && node.anchor !== undefined) this.#anchored.set(node.anchor, value);
    return value;
  }

  #content(node: unknown): unknown {
    if (isMap(node)) return this.#mapping(node);
    if (isSeq(node)) return node.items.map((item) => this.of(item));
    return isScalar(node) ? node.value : null;
  }

  /** What is merged takes the place of what stands before it, and is replaced by what follows. */
  #mapping({ items }: YAMLMap): object {
    const entries = new Map<string, unknown>();
    for (const { key, value } of items) {
      // The library has a symbol for `<<`.
      const name = isMergeKey(key) ? undefined : String(this.of(key));
      const made = this.of(value);
      if (name !== undefined) entries.set(name, made);
      else for (const [merged, one] of entriesOf(made)) entries.set(merged, one);
    }
    return Object.fromEntries(entries);
  }
}

/** Of a list of mappings the earlier ones win. */
const entriesOf = (merged: unknown): readonly (readonly [string, unknown])[] =>
  Array.isArray(merged) ? merged.toReversed().flatMap(entriesOf) : Object.entries(merged as object);
