import { formatPath, type Diagnostic } from '../diagnostic.js';
import { isMapping, type Fields, type Path } from './reader.js';

/** What envsubst, OpenShift templates, kustomize vars, Helm and Jinja leave for somebody to fill in. */
const placeholder = /\$\{[^}]*\}|\$\([^)]*\)|\{\{[\s\S]*\}\}/;

/** Where a value is a placeholder, that is what is wrong with it, and not that it is no name or no CIDR; once a field. */
export function withPlaceholders(object: Fields, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  for (const diagnostic of diagnostics) {
    const { path, at = path, severity } = diagnostic;
    const value = valueAt(object, at);
    const isPlaceholder = typeof value === 'string' && placeholder.test(value);
    const message = `${JSON.stringify(value)} is a placeholder: render it first`;
    const shown = isPlaceholder ? { code: 'placeholder', severity, path: at, message } : diagnostic;
    found.set(`${shown.code} ${formatPath(at)} ${shown.message}`, shown);
  }
  return [...found.values()];
}

const valueAt = (object: Fields, path: Path): unknown =>
  path.reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return (value as readonly unknown[])[Number(part)];
    return isMapping(value) ? value[part] : undefined;
  }, object);
