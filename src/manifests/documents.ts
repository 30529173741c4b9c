/** Text to documents, read as kubectl reads it: YAML 1.1 scalars (go-yaml's set of them), JSON, Lists unfolded. */
import {
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node as YamlNode,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { itemOffsets } from './json-items.js';

/** 1-based. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A piece of the text: from its first character to behind its last one. */
export interface Range extends Position {
  readonly endLine: number;
  readonly endColumn: number;
  /** Offsets in the text, for edits. */
  readonly start: number;
  readonly end: number;
}

export type Path = readonly (string | number)[];

export interface ManifestDocument {
  readonly file: string;
  readonly object: unknown;
  /** Where the field stands, or its nearest ancestor that is there. Keeps the text alive: drop the document after use. */
  position(path: Path): Position;
  /** The field's key or its value (an item of a list has no key), or the nearest ancestor's that is there. */
  range(path: Path, part: 'key' | 'value'): Range;
  /** The whole file's. */
  text(): string;
}

export interface ManifestError extends Position {
  readonly file: string;
  readonly message: string;
  /** A key stands twice in one mapping. */
  readonly isDuplicateKey: boolean;
}

export interface Documents {
  readonly documents: readonly ManifestDocument[];
  readonly errors: readonly ManifestError[];
}

/** An object that no text holds: of a live cluster, or assumed. */
export function documentWithoutText(file: string, object: unknown): ManifestDocument {
  const nowhere = { line: 0, column: 0, endLine: 0, endColumn: 0, start: 0, end: 0 };
  return { file, object, position: () => nowhere, range: () => nowhere, text: () => '' };
}

export interface ReadOptions {
  /** With `tolerated`, documents in which a key stands twice are read all the same, with the last value. */
  readonly duplicateKeys?: 'refused' | 'tolerated';
}

/** All documents of one file; none when it cannot be read. */
export function readDocuments(text: string, file: string, { duplicateKeys }: ReadOptions = {}): Documents {
  if (/^\s*[{[]/.test(text)) {
    const object = tryJson(text);
    if (object !== undefined) return { documents: unfold(object, [], jsonPlace(text, file)), errors: [] };
  }
  const { trees, errors } = parseYaml(text, file);
  const tolerated = (error: ManifestError): boolean => duplicateKeys === 'tolerated' && error.isDuplicateKey;
  if (!errors.every(tolerated)) return { documents: [], errors };
  const documents = trees.flatMap((tree) => {
    const object: unknown = tree.document.toJS({ maxAliasCount: 1000 });
    if (object === null || object === undefined) return [];
    const range: Place['range'] = (path, part) => rangeIn(tree, path, part);
    return unfold(object, [], { file, position: (path) => locate(tree, path), range, text: () => text });
  });
  return { documents, errors };
}

interface Tree {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

type Place = Omit<ManifestDocument, 'object'>;

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Flow-style YAML may begin like JSON; the YAML reader tells what is wrong, with its place.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Where an item begins is cheap to tell; for anything deeper, which is rarely asked for, the text is read once more. */
function jsonPlace(text: string, file: string): Place {
  let items: readonly number[] | undefined;
  let lines: LineCounter | undefined;
  let tree: Tree | undefined;
  const position: Place['position'] = (path) => {
    const [field, index] = path;
    if (path.length === 0) return { line: 1, column: 1 };
    if (path.length === 2 && field === 'items' && typeof index === 'number') {
      items ??= itemOffsets(text);
      lines ??= linesOf(text);
      return positionAt(lines, items[index] ?? 0);
    }
    return locate((tree ??= parseYaml(text, '').trees[0]), path);
  };
  const range: Place['range'] = (path, part) => rangeIn((tree ??= parseYaml(text, '').trees[0]), path, part);
  return { file, position, range, text: () => text };
}

function linesOf(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1);
  return lines;
}

function parseYaml(text: string, file: string): { trees: readonly Tree[]; errors: readonly ManifestError[] } {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    version: '1.1',
    lineCounter: lines,
    prettyErrors: false,
    customTags: kubectlTags,
  });
  const documents = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  const errors = documents.flatMap((document) =>
    document.errors.map(({ message, pos, code }): ManifestError => {
      return { file, ...positionAt(lines, pos[0]), message, isDuplicateKey: code === 'DUPLICATE_KEY' };
    }),
  );
  return { trees: documents.map((document) => ({ document, lines })), errors };
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** go-yaml also reads 0o17 as octal, and knows neither base-60 numbers nor (into JSON) timestamps. */
function kubectlTags(tags: Tags): Tags {
  const kept = tags.filter((tag) => {
    if (typeof tag === 'string') return tag !== 'timestamp' && tag !== 'intTime' && tag !== 'floatTime';
    return tag.tag !== 'tag:yaml.org,2002:timestamp' && !('format' in tag && tag.format === 'TIME');
  });
  return [octal, ...kept];
}

const octal: ScalarTag = {
  tag: 'tag:yaml.org,2002:int',
  default: true,
  format: 'OCT',
  test: /^[-+]?0o[0-7_]+$/,
  resolve: (text) => {
    const digits = text.replaceAll('_', '').replace('0o', '');
    return digits.startsWith('-') ? -parseInt(digits.slice(1), 8) : parseInt(digits, 8);
  },
};

/** The items of a List (of any kind that ends so) as documents of their own. */
function unfold(object: unknown, at: readonly (string | number)[], place: Place): readonly ManifestDocument[] {
  const { kind, items } = (typeof object === 'object' && object !== null ? object : {}) as Record<string, unknown>;
  if (typeof kind === 'string' && kind.endsWith('List') && (Array.isArray(items) || items === null))
    return (items ?? []).flatMap((item: unknown, index) => unfold(item, [...at, 'items', index], place));
  const position: Place['position'] = (path) => place.position([...at, ...path]);
  const range: Place['range'] = (path, part) => place.range([...at, ...path], part);
  return [{ ...place, object, position, range }];
}

function locate(tree: Tree | undefined, path: Path): Position {
  if (tree === undefined) return { line: 1, column: 1 };
  const { key, value } = find(tree, path);
  return positionAt(tree.lines, (key ?? value)?.range?.[0] ?? 0);
}

function rangeIn(tree: Tree | undefined, path: Path, part: 'key' | 'value'): Range {
  if (tree === undefined) return { line: 1, column: 1, endLine: 1, endColumn: 1, start: 0, end: 0 };
  const { key, value } = find(tree, path);
  const [start, end] = (part === 'key' ? (key ?? value) : (value ?? key))?.range ?? [0, 0];
  const { line: endLine, column: endColumn } = positionAt(tree.lines, end);
  return { ...positionAt(tree.lines, start), endLine, endColumn, start, end };
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
  const resolved =
    node !== undefined && 'source' in node && !isScalar(node) && !isCollection(node) ? node.resolve(document) : node;
  if (isMap(resolved)) {
    const pair = resolved.items.findLast(({ key }) => String(isScalar(key) ? key.value : key) === String(part));
    return pair && { key: asNode(pair.key), value: asNode(pair.value) };
  }
  if (!isSeq(resolved) || typeof part !== 'number') return undefined;
  const item = asNode(resolved.items[part]);
  return item === undefined ? undefined : { key: undefined, value: item };
}

const asNode = (value: unknown): YamlNode | undefined => (isNode(value) ? value : undefined);
