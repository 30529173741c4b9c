/** Results of expectations: for people, as TAP (version 13), and as JUnit XML. */
import { visible } from '../model/visible.js';

export interface TestResult {
  readonly file: string;
  readonly title: string;
  /** Absent: it held. */
  readonly failure?: string;
}

export const testFormats = ['text', 'tap', 'junit'] as const;
type TestFormat = (typeof testFormats)[number];

export function reportTests(results: readonly TestResult[], format: TestFormat): string {
  if (format === 'tap') return tap(results);
  return format === 'junit' ? junit(results) : text(results);
}

function text(results: readonly TestResult[]): string {
  const failed = results.filter(({ failure }) => failure !== undefined);
  const lines = failed.map(({ file, title, failure }) => `${file}: ${title}: ${failure ?? ''}`);
  return [...lines, `${results.length - failed.length} passed, ${failed.length} failed`, ''].join('\n');
}

function tap(results: readonly TestResult[]): string {
  const lines = results.map(({ file, title, failure }, index) =>
    failure === undefined
      ? `ok ${index + 1} - ${file}: ${title}`
      : `not ok ${index + 1} - ${file}: ${title}\n  ---\n  message: ${JSON.stringify(failure)}\n  ...`,
  );
  return ['TAP version 13', `1..${results.length}`, ...lines, ''].join('\n');
}

function junit(results: readonly TestResult[]): string {
  const failures = results.filter(({ failure }) => failure !== undefined).length;
  const cases = results.map(({ file, title, failure }) => {
    const head = `    <testcase classname="${escapeXml(file)}" name="${escapeXml(title)}"`;
    return failure === undefined ? `${head}/>` : `${head}><failure message="${escapeXml(failure)}"/></testcase>`;
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
