/** Results of expectations: for people, as TAP (version 13), and as JUnit XML. */
import { visible } from '../model/visible.js';
import { plain, type Paint } from './paint.js';

export interface TestResult {
  readonly file: string;
  readonly title: string;
  /** `file:line:column` of the expectation. */
  readonly place?: string;
  /** Absent: it held. */
  readonly failure?: string;
  /** What `can` answers to it; several lines where that differs between pods or addresses. */
  readonly answer?: string;
}

export const testFormats = ['text', 'tap', 'junit'] as const;
type TestFormat = (typeof testFormats)[number];

export function reportTests(results: readonly TestResult[], format: TestFormat, paint: Paint = plain): string {
  if (format === 'tap') return tap(results);
  return format === 'junit' ? junit(results) : text(results, paint);
}

function text(results: readonly TestResult[], paint: Paint): string {
  const failed = results.filter(({ failure }) => failure !== undefined);
  const lines = failed.flatMap(({ file, place = file, title, failure = '', answer }) => [
    `${place}: ${title}: ${paint.bad(failure)}`,
    ...linesOf(answer).map((line) => `    ${line}`),
  ]);
  const sum = `${results.length - failed.length} passed, ${failed.length} failed`;
  return [...lines, (failed.length === 0 ? paint.good : paint.bad)(sum), ''].join('\n');
}

const linesOf = (answer = ''): readonly string[] => answer.split('\n').filter((line) => line !== '');

/** In one text. */
const failureOf = ({ failure, answer }: TestResult): string | undefined =>
  failure && [failure, ...linesOf(answer)].join('\n');

function tap(results: readonly TestResult[]): string {
  const lines = results.map((result, index) => {
    const { file, place = file, title } = result;
    const failure = failureOf(result);
    return failure === undefined
      ? `ok ${index + 1} - ${file}: ${title}`
      : `not ok ${index + 1} - ${file}: ${title}\n  ---\n  message: ${JSON.stringify(failure)}\n  at: ${JSON.stringify(place)}\n  ...`;
  });
  return ['TAP version 13', `1..${results.length}`, ...lines, ''].join('\n');
}

function junit(results: readonly TestResult[]): string {
  const failures = results.filter(({ failure }) => failure !== undefined).length;
  const cases = results.map((result) => {
    const { file, place = file, title } = result;
    const failure = failureOf(result);
    const head = `    <testcase classname="${escapeXml(file)}" name="${escapeXml(title)}"`;
    return failure === undefined
      ? `${head}/>`
      : `${head}><failure message="${escapeXml(`${place}: ${failure}`)}"/></testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites>',
    `  <testsuite name="podwall" tests="${results.length}" failures="${failures}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** For XML 1.0, which cannot hold most control characters. */
export const escapeXml = (value: string): string =>
  visible(value.replaceAll('\n', ' ')).replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
