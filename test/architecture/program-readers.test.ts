import { expect, test } from '@jest/globals';
import ts from 'typescript';
import { importsOf, parse, sourcesIn, walk, type Source } from './sources.js';

/** Folders that may look into a program: they make it, check it, render it, and evaluate it: all else asks evaluation/. */
const readers = ['program', 'compiler', 'nftables', 'evaluation'];

/** What only a reader of rules needs. */
const typesOfRules = ['AllowRule', 'PeerMatch', 'PortMatch', 'RulePeer', 'RulePort', 'Block'];
const kindsInRules = ['union', 'addressBlock', 'listeners'];

/** What a source reads of a program, one line each. */
function readsOf(source: Source): readonly string[] {
  const found = importsOf(source)
    .filter(({ target }) => target === 'src/program/types.ts')
    .flatMap(({ names }) =>
      names === 'all' ? ['all of program/types'] : names.filter((name) => typesOfRules.includes(name)),
    );
  walk(source.tree, (node) => {
    if (ts.isPropertyAccessExpression(node)) {
      const { expression, name } = node;
      const of = ts.isPropertyAccessExpression(expression) ? expression.name.text : '';
      if (name.text === 'allowedBy') found.push(node.getText());
      if (['peers', 'ports'].includes(of) && ['kind', 'of'].includes(name.text)) found.push(node.getText());
    }
    if (ts.isBindingElement(node) && (node.propertyName ?? node.name).getText() === 'allowedBy')
      found.push(node.getText());
    if (ts.isBinaryExpression(node) && ts.isStringLiteral(node.right) && kindsInRules.includes(node.right.text))
      found.push(node.getText());
    if (ts.isCaseClause(node) && ts.isStringLiteral(node.expression) && kindsInRules.includes(node.expression.text))
      found.push(`case ${node.expression.getText()}`);
  });
  return found.map((text) => `${source.path}: ${text}`);
}

test('a program is read where it is made, rendered or evaluated; everybody else asks evaluation/', () => {
  const others = sourcesIn('src').filter(({ path }) => !readers.includes(path.split('/')[1] ?? ''));
  expect(others.flatMap(readsOf)).toEqual([]);
});

test.each([
  "import type { AllowRule } from '../program/types.js';",
  'for (const id of isolation.allowedBy) lists.get(id);',
  'const allows = ({ allowedBy }) => allowedBy.length > 0;',
  "if (rule.peers.kind === 'anyone') return true;",
  "if (peer.kind === 'addressBlock') return peer.cidr;",
  "switch (group.kind) { case 'listeners': return group.members; }",
])('what would be refused: %s', (text) => {
  expect(readsOf(parse('src/analysis/example.ts', text))).not.toEqual([]);
});
