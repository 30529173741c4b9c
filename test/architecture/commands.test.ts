/** A command is loaded when it is asked for: what two commands share is a module with a name of its own. */
import { expect, test } from '@jest/globals';
import { basename, dirname } from 'node:path';
import ts from 'typescript';
import { importsOf, sourcesIn, walk, type Source } from './sources.js';

const main = 'src/cli/main.ts';
const files = sourcesIn('src/cli');
const commands = files.filter((file) => file.path !== main && makesCommand(file)).map(({ path }) => path);

/** `new Command('can')`; one without a name is for tests. */
function makesCommand({ tree }: Source): boolean {
  let found = false;
  walk(tree, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'Command' && node.arguments?.length === 1)
      found = true;
  });
  return found;
}

/** `audit/audit.ts` is the command that the others of its folder belong to. */
const mayImport = (importer: string, command: string): boolean =>
  importer === main || importer === `${dirname(command)}/${basename(dirname(command))}.ts`;

test('a command is imported by main.ts, or by the command that it belongs to, and by nothing else', () => {
  expect(commands).toContain('src/cli/policy/can.ts');
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => commands.includes(target) && !mayImport(file.path, target))
      .map(({ target }) => `${file.path} imports the command ${target}: move what they share to a module with a name`),
  );
  expect(wrong).toEqual([]);
});

test('main.ts loads no command before it is asked for', () => {
  const entry = files.filter(({ path }) => path === main);
  const fromTheStart = entry.flatMap(({ tree }) =>
    tree.statements.filter(ts.isImportDeclaration).map(({ moduleSpecifier }) => moduleSpecifier.getText()),
  );
  expect(fromTheStart).toEqual(["'commander'", "'./common/help.js'", "'./common/version.js'"]);
});
