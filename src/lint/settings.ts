/** `.podwall.yaml`: severities of rules, and paths that are not looked at. */
import { access, readFile } from 'node:fs/promises';
import { matchesGlob } from '../generic/globs.js';
import { InputError } from '../generic/input-error.js';
import { isRule } from './catalogue.js';
import type { Severity } from './finding.js';
import { readDocuments, type ManifestDocument } from '../manifests/documents.js';
import { isMapping } from '../model/parse.js';

interface LintSettings {
  readonly severities: Readonly<Record<string, Severity | 'off'>>;
  /** Whether findings of this file are left out. */
  ignores(file: string): boolean;
}

const standard = '.podwall.yaml';
const levels = ['error', 'warning', 'info', 'off'] as const;

/** @throws InputError with file, line and field */
export async function readLintSettings(path: string | undefined): Promise<LintSettings> {
  const file = path ?? standard;
  if (path === undefined && !(await exists(standard))) return { severities: {}, ignores: () => false };
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new InputError(`${file}: ${(error as Error).message}`);
  });
  const { documents, errors } = readDocuments(text, file);
  const [error] = errors;
  if (error !== undefined) throw new InputError(`${file}:${error.line}:${error.column}: ${error.message}`);
  const [document] = documents;
  return document === undefined ? { severities: {}, ignores: () => false } : settingsIn(document);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

function settingsIn(document: ManifestDocument): LintSettings {
  const refuse = (path: readonly (string | number)[], message: string): never => {
    const { line, column } = document.range(path, 'key');
    throw new InputError(`${document.file}:${line}:${column}: ${path.join('.')}: ${message}`);
  };
  const { object } = document;
  if (!isMapping(object)) return refuse([], 'must be a mapping with rules and ignore');
  for (const key of Object.keys(object))
    if (key !== 'rules' && key !== 'ignore') refuse([key], 'is not known; there are rules and ignore');
  const severities: Record<string, Severity | 'off'> = {};
  const chosen = object['rules'] ?? {};
  if (!isMapping(chosen)) return refuse(['rules'], 'must be a mapping from rule to severity');
  for (const [name, value] of Object.entries(chosen)) {
    if (!isRule(name)) refuse(['rules', name], 'there is no such rule');
    const level = levels.find((one) => one === value || (one === 'off' && value === false));
    severities[name] = level ?? refuse(['rules', name], `must be ${levels.join(', ')}`);
  }
  const ignored = object['ignore'] ?? [];
  if (!Array.isArray(ignored) || !ignored.every((one) => typeof one === 'string'))
    return refuse(['ignore'], 'must be a list of path globs');
  return { severities, ignores: (file) => ignored.some((glob) => matchesGlob(file, glob)) };
}
