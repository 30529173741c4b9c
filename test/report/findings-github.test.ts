/** What GitHub takes of a step: few annotations, the worst first, and the rest counted. */
import { describe, expect, test } from '@jest/globals';
import { printFindingsGithub } from '../../src/report/findings-ci.js';
import type { PrintedFinding } from '../../src/report/findings.js';

const finding = (severity: PrintedFinding['severity'], line: number, message = 'm'): PrintedFinding => ({
  ...{ rule: 'NP001', name: 'n', severity, file: 'a,b:c%.yaml', line, column: 2, endLine: line, endColumn: 3 },
  ...{ object: { kind: 'NetworkPolicy', name: 'p' }, message, why: 'w', related: [] },
});
const many = (severity: PrintedFinding['severity'], count: number): readonly PrintedFinding[] =>
  Array.from({ length: count }, (_, index) => finding(severity, index + 1));

describe('annotations', () => {
  test('ten of each severity, errors first; one last line counts the others', () => {
    const lines = [...printFindingsGithub([...many('info', 12), ...many('warning', 3), ...many('error', 25)])]
      .join('')
      .trimEnd()
      .split('\n');
    const kinds = lines.map((line) => /^::(\w+)/.exec(line)?.[1]);
    expect(kinds).toEqual([
      ...Array<string>(10).fill('error'),
      ...Array<string>(3).fill('warning'),
      ...Array<string>(10).fill('notice'),
      undefined,
    ]);
    expect(lines.at(-1)).toBe(
      'podwall lint: 15 errors, 2 info without an annotation: GitHub shows 10 of each for a step',
    );
  });

  test('when all are shown, nothing is counted', () => {
    expect([...printFindingsGithub(many('error', 10))]).toHaveLength(10);
  });

  test('what ends a command or a property is escaped', () => {
    expect([...printFindingsGithub([finding('error', 1, '50%\r\n::error::x')])]).toEqual([
      '::error file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=2,title=NP001 n::50%25%0D%0A::error::x\n',
    ]);
  });
});
