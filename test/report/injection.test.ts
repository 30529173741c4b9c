/** What somebody writes into manifests never moves a terminal, begins a line or a command, or becomes a formula. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileInput } from '../../src/analysis/compiled-input.js';
import { EndpointNames } from '../../src/analysis/endpoint-names.js';
import { questionsBetween } from '../../src/analysis/endpoint-questions.js';
import { explain } from '../../src/analysis/explain.js';
import { answersFor } from '../../src/analysis/questions.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { lint } from '../../src/lint/engine.js';
import { LintInputCollector } from '../../src/lint/lint-input-collector.js';
import { ManifestCollector, policyPositions } from '../../src/manifests/manifest-collector.js';
import { policyKey } from '../../src/model/policy.js';
import { answerText } from '../../src/report/answers.js';
import { csvRow } from '../../src/report/csv.js';
import { explanationText } from '../../src/report/explanations.js';
import { findingsSarif, printFindingsGithub, printFindingsJunit } from '../../src/report/findings-ci.js';
import { plain } from '../../src/report/paint.js';
import { printFindingsCsv, printFindingsMarkdown, printFindingsText } from '../../src/report/findings.js';
import { markdownRow } from '../../src/report/markdown.js';

/** Raw, in any output that is not JSON. */
const harmful = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
const characters = ['\x1b', '\r', '\n', '\u202e', '\u0007', '\u2028', '\u009b', 'a', '=', '::error::', '|', '<b>', '"'];
const text = fc.array(fc.constantFrom(...characters), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));

interface Injected {
  readonly name: string;
  readonly label: string;
  readonly field: string;
  readonly file: string;
}
const injected = fc.record<Injected>({ name: text, label: text, field: text, file: text });

const manifests = ({ name, label, field }: Injected): string =>
  [
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace: 'shop', [field]: 1 },
      spec: {
        podSelector: { matchLabels: { [label]: label } },
        [field]: name,
        ingress: [{ from: [{ ipBlock: { cidr: name } }], ports: [{ protocol: label, port: name }] }],
      },
    },
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p', namespace: 'shop' }, spec: {} },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop', labels: { [label]: label } }, spec: {} },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop' }, spec: {} },
    { apiVersion: name, kind: 'NetworkPolicy', metadata: { name: 'q' } },
    { apiVersion: `${name}.example/v1`, kind: 'Pod' },
  ]
    .map((object) => JSON.stringify(object))
    .join('\n---\n');

test('lint: findings in every format, and what is left out', () => {
  fc.assert(
    fc.property(injected, (one) => {
      const collector = new LintInputCollector({ strict: true, defaultNamespace: 'default' });
      collector.takeText(manifests(one), one.file);
      const { input, skipped, unparsed } = collector.input(false);
      const findings = lint(input);
      expect(findings.length).toBeGreaterThan(3);
      for (const print of [printFindingsMarkdown, printFindingsCsv, printFindingsGithub, printFindingsJunit])
        for (const piece of print(findings)) expect(piece.replace(/\r\n$/, '\n')).not.toMatch(harmful);
      const pieces = [...printFindingsText(findings, { paint: plain }), ...printFindingsGithub(findings)];
      for (const piece of pieces) expect(piece.trimEnd()).not.toContain('\n::');
      for (const piece of [...pieces, ...skipped, ...unparsed]) expect(piece).not.toMatch(harmful);
      for (const line of [...skipped, ...unparsed]) expect(line).not.toContain('\n');
      expect(JSON.stringify(findingsSarif(findings, { rules: [], version: '', unparsed }))).not.toMatch(/[\x1b\r\n]/);
    }),
    { numRuns: 40 },
  );
});

test('can and explain: names and labels of both ends', () => {
  fc.assert(
    fc.property(injected, (one) => {
      const collector = new ManifestCollector({ strict: true });
      collector.takeText(manifests(one), one.file);
      const objects = collector.objects();
      const input = compileInput(objects, { ipBlocks: 'cluster', podCidrs: [], includeDryRun: false });
      const evaluator = new Evaluator(input.program, input.blocks);
      const names = new EndpointNames(input, 'shop');
      const from = names.named('web');
      const context = {
        evaluator,
        policies: new Map(objects.policies.map((policy) => [policyKey(policy.ref), policy])),
        namespaces: new Map(objects.namespaces.map((namespace) => [namespace.name, namespace])),
        ipBlocks: input.blocks.ipBlocks,
      };
      for (const { id } of input.workloads) {
        const to = names.named(id);
        for (const question of questionsBetween(names, from, to, '80')) {
          const answers = answersFor(evaluator, question);
          const printed = [
            answerText({ answers, allowed: answers.some(({ allowed }) => allowed), warnings: [] }, { from, to }),
            ...explain(context, question).map((found) => explanationText(found, policyPositions(objects))),
          ];
          for (const piece of printed) expect(piece).not.toMatch(harmful);
        }
      }
      for (const line of [...objects.unparsed, ...objects.skipped, ...objects.problems])
        expect(line).not.toMatch(/[\x1b\r\n\u202e]/);
    }),
    { numRuns: 40 },
  );
});

describe('tables', () => {
  test.each([
    ['=1+1', "'=1+1"],
    ['@x', "'@x"],
    ['+cmd|x', "'+cmd|x"],
    ['-2+3', "'-2+3"],
    ['-2.5', '-2.5'],
    ['-', '-'],
    ['a=b', 'a=b'],
    ['\x1b[31m', '\\u001b[31m'],
  ])('the CSV cell %j is %j', (cell, written) => {
    expect(csvRow(cell, 'x')).toBe(`${written},x\r\n`);
  });

  test('a Markdown cell makes no column, no tag, no link and no line', () => {
    expect(markdownRow('a|b', '<i>', '[a](http://x)', 'c\nd')).toBe('| a\\|b | &lt;i> | [a]\\(http://x) | c d |\n');
  });
});
