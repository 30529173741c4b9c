import type { Diagnostic } from '../diagnostic.js';
import { visible } from '../visible.js';

export type Path = Diagnostic['path'];
export type Fields = Readonly<Record<string, unknown>>;

/** A mapping, and where it stands. */
export interface Placed {
  readonly fields: Fields;
  readonly path: Path;
}

/** Collects what is wrong while an object is read field by field; reading goes on after an error, to report them all. */
export class Reader {
  readonly diagnostics: Diagnostic[] = [];

  /** @param at where it stands, when that is deeper than `path` */
  error(code: string, path: Path, message: string, at?: Path): void {
    this.diagnostics.push({
      code,
      severity: 'error',
      path,
      message: visible(message),
      ...(at === undefined ? {} : { at }),
    });
  }

  warning(code: string, path: Path, message: string): void {
    this.diagnostics.push({ code, severity: 'warning', path, message: visible(message) });
  }

  get failed(): boolean {
    return this.diagnostics.some((diagnostic) => diagnostic.severity === 'error');
  }

  /** A mapping; undefined (absent) when null or missing, an error when it is something else. */
  mapping(value: unknown, path: Path): Fields | undefined {
    if (value === undefined || value === null) return undefined;
    if (isMapping(value)) return value;
    this.error('wrong-type', path, `must be a mapping, not ${describe(value)}`);
    return undefined;
  }

  /** A list; empty when null or missing. */
  list(value: unknown, path: Path): readonly unknown[] {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value;
    this.error('wrong-type', path, `must be a list, not ${describe(value)}`);
    return [];
  }

  text(value: unknown, path: Path): string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return visible(value);
    this.error('wrong-type', path, `must be a string, not ${describe(value)}${quoteHint(value)}`);
    return undefined;
  }

  /** A whole number. */
  number(value: unknown, path: Path): number | undefined {
    if (value === undefined || value === null) return undefined;
    if (Number.isInteger(value)) return value as number;
    this.error('wrong-type', path, `must be a whole number, not ${describe(value)}`);
    return undefined;
  }

  /** A port: a whole number, or the name of one. */
  numberOrName(value: unknown, path: Path): number | string | undefined {
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'string') return visible(value);
    if (Number.isInteger(value)) return value as number;
    this.error('wrong-type', path, `must be a whole number or a name, not ${describe(value)}`);
    return undefined;
  }

  /** A list of strings. */
  texts(value: unknown, path: Path): readonly string[] {
    return this.list(value, path).flatMap((entry, index) => {
      if (typeof entry === 'string') return [visible(entry)];
      this.error('wrong-type', [...path, index], `must be a string, not ${describe(entry)}${quoteHint(entry)}`);
      return [];
    });
  }

  /** Each mapping of a list, with its path. */
  mappings(value: unknown, path: Path): readonly Placed[] {
    return this.list(value, path).flatMap((entry, index) => {
      const at = [...path, index];
      if (isMapping(entry)) return [{ fields: entry, path: at }];
      this.error('wrong-type', at, `must be a mapping, not ${describe(entry)}`);
      return [];
    });
  }

  flag(value: unknown, path: Path): boolean {
    if (value === undefined || value === null) return false;
    if (typeof value === 'boolean') return value;
    this.error('wrong-type', path, `must be true or false, not ${describe(value)}`);
    return false;
  }

  /** A mapping from strings to strings, as labels and annotations are. A null value is the empty string. */
  strings(value: unknown, path: Path): Record<string, string> {
    // Not assigned one by one: `__proto__` would be lost, and a selector without its requirement selects everything.
    return Object.fromEntries(
      Object.entries(this.mapping(value, path) ?? {}).map(([key, entry]) => [
        visible(key),
        this.text(entry, [...path, key]) ?? '',
      ]),
    );
  }

  /** Reports the fields of `fields` that are not in `known`, with the name that was probably meant. */
  unknownFields(
    fields: Fields,
    known: readonly string[],
    path: Path,
    as: 'error' | 'warning' | Pick<Diagnostic, 'severity' | 'code'>,
  ): void {
    const { severity, code } = typeof as === 'string' ? { severity: as, code: 'unknown-field' } : as;
    for (const name of Object.keys(fields)) {
      if (known.includes(name)) continue;
      const meant = closest(name, known);
      const message = `unknown field "${name}"${meant === undefined ? '' : `; did you mean "${meant}"?`}`;
      this.diagnostics.push({ code, severity, path: [...path, name], message: visible(message) });
    }
  }
}

export const isMapping = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

const quoteHint = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'boolean' ? ' (quote it)' : '';

function closest(name: string, known: readonly string[]): string | undefined {
  const near = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return near !== undefined && near.distance <= Math.max(1, Math.floor(near.candidate.length / 2))
    ? near.candidate
    : undefined;
}

/** Levenshtein distance with swaps of neighbours counted as one step, so that `form` is near `from`. */
function editDistance(a: string, b: string): number {
  const rows: number[][] = Array.from({ length: a.length + 1 }, (_, i) => [i]);
  for (let j = 0; j <= b.length; j += 1) (rows[0] as number[])[j] = j;
  const at = (i: number, j: number): number => rows[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i += 1)
    for (let j = 1; j <= b.length; j += 1) {
      const step = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + step);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) best = Math.min(best, at(i - 2, j - 2) + 1);
      (rows[i] as number[])[j] = best;
    }
  return at(a.length, b.length);
}
