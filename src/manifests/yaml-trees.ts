/** YAML text to trees with positions, as kubectl reads it: YAML 1.1 scalars, go-yaml's set of them. */
import {
  Composer,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  Parser,
  type Document,
  type Node as YamlNode,
} from 'yaml';
import { limits, tooDeep } from './limits.js';
import { visible } from '../model/visible.js';
import { positionAt, rangeAt, type ManifestError, type Path, type Position, type Range } from './positions.js';
import { problemsIn, type YamlProblem } from './yaml-problems.js';
import { kubectlTags } from './yaml-scalars.js';

/** One document. */
export interface Tree {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
  /** Where the text that was parsed begins within that of the lines. */
  readonly base: number;
  readonly errors: readonly ManifestError[];
}

interface Trees {
  readonly trees: readonly Tree[];
  /** Of the trees, or what kept the text from becoming any. */
  readonly errors: readonly ManifestError[];
}

/** Never throws: what is wrong with the text, and what would take too long, is an error with its place. */
export function parseYaml(text: string, file: string): Trees {
  const lines = new LineCounter();
  const whole = (offset: number, message: string): Trees => ({
    trees: [],
    errors: [{ file, ...positionAt(lines, offset), message, isDuplicateKey: false }],
  });
  if (text.length > limits.yamlCharacters)
    return whole(0, `more than ${limits.yamlCharacters / 1024 / 1024} MB of YAML: split it, or convert it to JSON`);
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  const tokens = [];
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    // The composer calls itself for each level.
    if (parser.stack.length > limits.depth) return whole(parser.offset, tooDeep);
  }
  for (const token of parser.end()) tokens.push(token);
  // Comparing each key with all keys before it would take quadratic time.
  const composer = new Composer({ version: '1.1', uniqueKeys: false, prettyErrors: false, customTags: kubectlTags });
  const trees = [...composer.compose(tokens)].map((document): Tree => {
    const problems: readonly YamlProblem[] = [
      // What follows the first one follows from it: a bracket too much is one mistake.
      ...document.errors.slice(0, 1).map(({ message, pos }) => ({ offset: pos[0], message })),
      ...versionProblems(document),
      ...problemsIn(document.contents),
    ];
    const errors = problems.map(({ offset, message, isDuplicateKey = false }): ManifestError => {
      return { file, ...positionAt(lines, offset), message: visible(message), isDuplicateKey };
    });
    return { document, lines, base: 0, errors };
  });
  return { trees, errors: trees.flatMap(({ errors }) => errors) };
}

/** kubectl reads no other version. */
function versionProblems({ directives, range }: Document.Parsed): readonly YamlProblem[] {
  const { explicit, version } = directives.yaml;
  return explicit === true && version !== '1.1'
    ? [{ offset: range[0], message: `this document says that it is YAML ${version}; kubectl reads 1.1` }]
    : [];
}

/** Where the field stands, or its nearest ancestor that is there. */
export function locate(tree: Tree | undefined, path: Path): Position {
  if (tree === undefined) return { line: 1, column: 1 };
  const { key, value } = find(tree, path);
  return positionAt(tree.lines, tree.base + ((key ?? value)?.range?.[0] ?? 0));
}

export function rangeIn(tree: Tree | undefined, path: Path, part: 'key' | 'value'): Range {
  if (tree === undefined) return { line: 1, column: 1, endLine: 1, endColumn: 1, start: 0, end: 0 };
  const { key, value } = find(tree, path);
  const found = (part === 'key' ? (key ?? value) : (value ?? key))?.range ?? [0, 0];
  return rangeAt(tree.lines, tree.base + found[0], tree.base + found[1]);
}

interface Found {
  /** Of an entry of a mapping. */
  readonly key: YamlNode | undefined;
  readonly value: YamlNode | undefined;
}

/** The deepest node on the path that is there. */
function find({ document }: Tree, path: Path): Found {
  let found: Found = { key: undefined, value: asNode(document.contents) };
  for (const part of path) {
    const next = step(found.value, part, document);
    if (next === undefined) break;
    found = next;
  }
  return found;
}

function step(node: YamlNode | undefined, part: string | number, document: Document.Parsed): Found | undefined {
  const resolved = isAlias(node) ? node.resolve(document) : node;
  if (isMap(resolved)) {
    const pair = resolved.items.findLast(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
    return pair && { key: asNode(pair.key), value: asNode(pair.value) };
  }
  if (!isSeq(resolved) || typeof part !== 'number') return undefined;
  const item = asNode(resolved.items[part]);
  return item === undefined ? undefined : { key: undefined, value: item };
}

const asNode = (value: unknown): YamlNode | undefined => (isNode(value) ? value : undefined);
