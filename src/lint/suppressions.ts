/**
 * Findings that somebody has looked at and wants to ignore: an annotation `podwall.dev/ignore.NP203: reason` on the object, or a comment
 * `# podwall-ignore NP203 reason` on the line of the finding or the one above it.
 */
import { isMapping } from '../model/parse.js';
import type { Finding } from './finding.js';
import type { LintObject } from './objects.js';

const prefix = 'podwall.dev/ignore.';
const comment = /#\s*podwall-ignore\s+(NP\d{3}|[a-z][a-z-]+)\b\s*(.*)$/;

interface Suppression {
  readonly object: LintObject;
  /** Id or name of the rule. */
  readonly rule: string;
  /** Absent: the whole object. */
  readonly line?: number;
  readonly path: readonly (string | number)[];
  used: boolean;
}

export interface UnusedSuppression {
  readonly object: LintObject;
  /** Id or name of the rule that it is for. */
  readonly rule: string;
  readonly place: Pick<Finding, 'line' | 'column' | 'endLine' | 'endColumn'>;
}

export class Suppressions {
  readonly #all: Suppression[];

  constructor(objects: readonly LintObject[]) {
    const files = new Set<string>();
    this.#all = objects.flatMap((object) => {
      const { file } = object.document;
      const isFirst = !files.has(file);
      files.add(file);
      return [...annotationsOf(object), ...(isFirst ? commentsIn(object) : [])];
    });
  }

  covers(object: LintObject, finding: Finding): boolean {
    const found = this.#all.find(
      (one) =>
        (one.rule === finding.rule || one.rule === finding.name) &&
        (one.line === undefined
          ? one.object.document === object.document
          : one.object.document.file === finding.file && (one.line === finding.line || one.line === finding.line - 1)),
    );
    if (found !== undefined) found.used = true;
    return found !== undefined;
  }

  /** Those that have covered nothing so far: they are noise, or the fault has moved. */
  unused(): readonly UnusedSuppression[] {
    return this.#all
      .filter(({ used }) => !used)
      .map(({ object, rule, line, path }) => {
        if (line !== undefined) return { object, rule, place: { line, column: 1, endLine: line, endColumn: 1 } };
        const { line: first, column, endLine, endColumn } = object.document.range(path, 'key');
        return { object, rule, place: { line: first, column, endLine, endColumn } };
      });
  }
}

function annotationsOf(object: LintObject): Suppression[] {
  const metadata = object.fields['metadata'];
  const annotations = isMapping(metadata) && isMapping(metadata['annotations']) ? metadata['annotations'] : {};
  return Object.keys(annotations)
    .filter((key) => key.startsWith(prefix))
    .map((key) => ({
      object,
      rule: key.slice(prefix.length),
      path: ['metadata', 'annotations', key],
      used: false,
    }));
}

function commentsIn(object: LintObject): Suppression[] {
  return object.document
    .text()
    .split('\n')
    .flatMap((text, index) => {
      const rule = comment.exec(text)?.[1];
      return rule === undefined ? [] : [{ object, rule, line: index + 1, path: [], used: false }];
    });
}
