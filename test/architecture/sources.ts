/** The sources as the compiler parses them: what each file imports, what it exports, and which names it reads. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

export const root = resolve(import.meta.dirname, '../..');

export interface Import {
  /** Path from the repository's root. */
  readonly target: string;
  /** Names as the target exports them; `all` for a namespace, or an import on demand that is taken whole. */
  readonly names: readonly string[] | 'all';
}

export interface Source {
  /** Path from the repository's root. */
  readonly path: string;
  readonly tree: ts.SourceFile;
}

const parsed = new Map<string, readonly Source[]>();

/** Every TypeScript file below a folder of the repository. */
export function sourcesIn(folder: string): readonly Source[] {
  const known = parsed.get(folder);
  if (known !== undefined) return known;
  const sources = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => parse(`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')));
  parsed.set(folder, sources);
  return sources;
}

export const parse = (path: string, text: string): Source => ({
  path,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true),
});

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Imports of our own files: static, of types, re-exports, on demand. */
export function importsOf({ path, tree }: Source): readonly Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, names: Import['names']): void => {
    if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return;
    found.push({ target: targetOf(path, specifier.text), names });
  };
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, namesOf(node.importClause));
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, namesIn(node.exportClause));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, node.qualifier === undefined ? 'all' : [firstOf(node.qualifier)]);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], namesTaken(node));
  });
  return found;
}

const targetOf = (path: string, specifier: string): string =>
  relative(root, resolve(root, dirname(path), specifier)).replace(/\.js$/, '.ts');

function namesOf(clause: ts.ImportClause | undefined): Import['names'] {
  if (clause === undefined) return [];
  const named = clause.namedBindings === undefined ? [] : namesIn(clause.namedBindings);
  return named === 'all' || clause.name === undefined ? named : ['default', ...named];
}

function namesIn(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): Import['names'] {
  if (bindings === undefined || ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return 'all';
  return bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
}

const firstOf = (name: ts.EntityName): string => (ts.isIdentifier(name) ? name.text : firstOf(name.left));

/** `const { a } = await import(…)` and `(await import(…)).a` take names; anything else takes all. */
function namesTaken(call: ts.CallExpression): Import['names'] {
  let user: ts.Node = call.parent;
  while (ts.isAwaitExpression(user) || ts.isParenthesizedExpression(user)) user = user.parent;
  if (ts.isPropertyAccessExpression(user) && user.name.text !== 'then') return [user.name.text];
  if (ts.isVariableDeclaration(user) && ts.isObjectBindingPattern(user.name))
    return user.name.elements.map(({ name, propertyName }) => (propertyName ?? name).getText());
  return 'all';
}

/** The names that a file exports. */
export function exportsOf({ tree }: Source): readonly string[] {
  return tree.statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement))
      return statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map(({ name }) => name.text)
        : [];
    if (ts.isExportAssignment(statement)) return ['default'];
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.flatMap(({ name }) => boundNames(name));
    const { name } = statement as ts.DeclarationStatement;
    return name === undefined ? ['default'] : [name.text];
  });
}

const boundNames = (name: ts.BindingName): readonly string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));
