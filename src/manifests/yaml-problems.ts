/** What a well-formed YAML document may still do to its reader. */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  type Node as YamlNode,
  type YAMLMap,
} from 'yaml';
import { duplicateKey, limits } from './limits.js';

export interface YamlProblem {
  readonly offset: number;
  readonly message: string;
  readonly isDuplicateKey?: boolean;
}

/**
 * Keys that appear twice or are not scalars; merges of what is no mapping; aliases that lead nowhere, into themselves, or to
 * more than they look like.
 */
export function problemsIn(contents: unknown): readonly YamlProblem[] {
  const inspection = new Inspection();
  inspection.measure(contents);
  return inspection.problems;
}

/** An anchor's node; `size` is absent while the walk is still within it. */
interface Anchor {
  readonly node: YamlNode;
  size?: number;
}

class Inspection {
  readonly problems: YamlProblem[] = [];
  readonly #anchors = new Map<string, Anchor>();
  #aliases = 0;
  #aliasedNodes = 0;

  /** @returns how many nodes there are when aliases are what they stand for */
  measure(value: unknown): number {
    if (isPair(value)) return this.measure(value.key) + this.measure(value.value);
    if (!isNode(value)) return 1;
    if (isAlias(value)) return this.#measureAlias(value.source, value);
    const anchor: Anchor = { node: value };
    if (value.anchor !== undefined) this.#anchors.set(value.anchor, anchor);
    if (value.tag !== undefined) this.#checkTag(value, value.tag);
    if (isScalar(value) && typeof value.value === 'number' && !Number.isFinite(value.value))
      this.#report(value, 'JSON has no such number: kubectl refuses it (quote it if it is a text)');
    const size = isMap(value) ? this.#measureMap(value) : this.#measureItems(value);
    anchor.size = size;
    return size;
  }

  #measureItems(value: YamlNode): number {
    return isCollection(value) ? value.items.reduce<number>((sum, item) => sum + this.measure(item), 1) : 1;
  }

  /** Aliases mean what stands before them: each pair is looked at in its turn. JSON keys are strings. */
  #measureMap({ items }: YAMLMap): number {
    const seen = new Set<string>();
    let size = 1;
    for (const { key, value } of items) {
      size += this.measure(key);
      if (!isMergeKey(key)) this.#checkKey(key, seen);
      size += this.measure(value);
      if (isMergeKey(key)) this.#checkMerged(value);
    }
    return size;
  }

  /** Of the tags that YAML itself defines kubectl knows more; what it would make of them is not guessed. */
  #checkTag(node: YamlNode, tag: string): void {
    const name = /^tag:yaml\.org,2002:(.*)$/.exec(tag)?.[1];
    if (name !== undefined && name !== 'timestamp' && name !== typeNameOf(node))
      this.#report(node, `the tag !!${name} here is not read: write the value as it is meant`);
  }

  #measureAlias(name: string, alias: YamlNode): number {
    const anchor = this.#anchors.get(name);
    if (anchor?.size === undefined) {
      this.#report(
        alias,
        anchor === undefined ? `there is no anchor &${name} before this` : `&${name} contains itself`,
      );
      return 1;
    }
    const wereFew = this.#areFew();
    this.#aliases += 1;
    this.#aliasedNodes += anchor.size;
    if (wereFew && !this.#areFew()) this.#report(alias, 'too many aliases: expanded, they would fill the memory');
    return anchor.size;
  }

  #areFew(): boolean {
    return this.#aliases <= limits.aliases && this.#aliasedNodes <= limits.aliasedNodes;
  }

  #checkKey(key: unknown, seen: Set<string>): void {
    const node = this.#resolved(key);
    if (isCollection(node))
      this.#report(key, 'a mapping or a list cannot be a key (quote it if it is a template in braces)');
    if (node === null || (isScalar(node) && node.value === null)) this.#report(key, 'null cannot be a key');
    else if (isScalar(node)) {
      const text = String(node.value);
      if (seen.has(text)) this.#report(key, duplicateKey, { isDuplicateKey: true });
      seen.add(text);
    }
  }

  /** What `<<` merges: a mapping, or a list of them. */
  #checkMerged(value: unknown): void {
    const source = this.#resolved(value);
    for (const item of isSeq(source) ? source.items : [source])
      if (!isMap(this.#resolved(item))) this.#report(value, 'only a mapping can be merged by <<');
  }

  /** Aliases of what stands before; one that leads nowhere is reported where it is measured. */
  #resolved(value: unknown): unknown {
    return isAlias(value) ? (this.#anchors.get(value.source)?.node ?? value) : value;
  }

  #report(at: unknown, message: string, more: Pick<YamlProblem, 'isDuplicateKey'> = {}): void {
    this.problems.push({ offset: (isNode(at) ? at.range?.[0] : undefined) ?? 0, message, ...more });
  }
}

function typeNameOf(node: YamlNode): string | undefined {
  if (isMap(node)) return 'map';
  if (isSeq(node)) return 'seq';
  if (!isScalar(node)) return undefined;
  if (node.value === null) return 'null';
  return scalarTypes[typeof node.value] === 'int' && !Number.isInteger(node.value)
    ? 'float'
    : scalarTypes[typeof node.value];
}

const scalarTypes: Readonly<Record<string, string>> = { string: 'str', boolean: 'bool', number: 'int' };

/** A `<<` without quotes: the parser gives it as a symbol. */
export const isMergeKey = (key: unknown): boolean =>
  isScalar(key) && (typeof key.value === 'symbol' || (key.value === '<<' && key.type === 'PLAIN'));
