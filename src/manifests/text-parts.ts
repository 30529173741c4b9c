import type { LineCounter } from 'yaml';
import { linesOf, positionAt, rangeAt, type Position, type Range } from './positions.js';
import { parseYaml, type Tree } from './yaml-trees.js';

/** A text whose values are known: a part of it is parsed into a tree only when somebody asks for a place in it. */
export class TextParts {
  readonly #text: string;
  readonly #file: string;
  readonly #trees = new Map<number, Tree | undefined>();
  #lines: LineCounter | undefined;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  positionAt(offset: number): Position {
    return positionAt(this.#lineStarts(), offset);
  }

  rangeAt(start: number, end: number): Range {
    return rangeAt(this.#lineStarts(), start, end);
  }

  /** The tree of what lies between two offsets, with places in the whole text; no two parts begin at one offset. */
  tree(start: number, end?: number): Tree | undefined {
    if (!this.#trees.has(start)) {
      const [tree] = parseYaml(this.#text.slice(start, end), this.#file).trees;
      this.#trees.set(start, tree && { ...tree, lines: this.#lineStarts(), base: start });
    }
    return this.#trees.get(start);
  }

  #lineStarts(): LineCounter {
    return (this.#lines ??= linesOf(this.#text));
  }
}
