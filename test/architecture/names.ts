/** The words of names: identifiers that the sources declare, strings that are names, and what is prose. */
import ts from 'typescript';
import { walk, type Source } from './sources.js';

export interface Name {
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

/** Names that a file declares, `#` of private members left out. */
export function declaredNames(source: Source): readonly Name[] {
  const names: Name[] = [];
  walk(source.tree, (node) => {
    const name = declaredName(node);
    if (name !== undefined && isName(name.text))
      names.push({ ...placeOf(source, name), name: name.text.replace(/^#/, '') });
  });
  return names;
}

type DeclaredName = ts.Identifier | ts.PrivateIdentifier | ts.StringLiteral;

function declaredName(node: ts.Node): DeclaredName | undefined {
  // What others declare keeps their name: `{ theirs }`, `{ theirs: ours }`, `import { theirs as ours }`.
  if (ts.isShorthandPropertyAssignment(node)) return undefined;
  if ((ts.isImportSpecifier(node) || ts.isExportSpecifier(node)) && node.propertyName === undefined) return undefined;
  const { name } = node as ts.NamedDeclaration;
  if (name === undefined || ts.isPropertyAccessExpression(node) || ts.isMetaProperty(node)) return undefined;
  return ts.isIdentifier(name) || ts.isPrivateIdentifier(name) || ts.isStringLiteral(name) ? name : undefined;
}

/** String literals and the pieces of templates; what is imported from is none. */
export function textsOf(source: Source): readonly Name[] {
  const texts: Name[] = [];
  walk(source.tree, (node) => {
    const isText =
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node);
    if (!isText || ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent)) return;
    if (node.text !== '') texts.push({ ...placeOf(source, node), name: node.text });
  });
  return texts;
}

const placeOf = ({ path, tree }: Source, node: ts.Node): Omit<Name, 'name'> => ({
  path,
  line: tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1,
});

/** A text that is one name: a flag, a chain, a metric, a key, a literal of a union. */
export const isName = (text: string): boolean => /^[\w.#/-]+$/.test(text);

/** `toldSince4`, `told-since4` and `told_since4` are `told`, `since`. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase());
