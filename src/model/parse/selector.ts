import type { LabelSelector, Requirement } from '../labels.js';
import { labelKeyProblem, labelValueProblem } from './names.js';
import type { Path, Reader } from './reader.js';

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist'] as const;

/**
 * A metav1.LabelSelector. Null and missing are the empty selector: whether "absent" means something else is the caller's
 * question. Undefined when what it selects is not known.
 */
export function parseSelector(
  reader: Reader,
  value: unknown,
  path: Path,
  unknown: 'error' | 'warning',
): LabelSelector | undefined {
  const errorsBefore = reader.diagnostics.length;
  const fields = reader.mapping(value, path) ?? {};
  reader.unknownFields(fields, ['matchLabels', 'matchExpressions'], path, unknown);
  const matchLabels = reader.strings(fields['matchLabels'], [...path, 'matchLabels']);
  const requirements: Requirement[] = Object.entries(matchLabels).map(([key, label]) => {
    const [labels, entry] = [
      [...path, 'matchLabels'],
      [...path, 'matchLabels', key],
    ];
    checkKey(reader, key, labels, entry);
    checkValue(reader, label, labels, entry);
    return { operator: 'In', key, values: [label] };
  });
  reader.list(fields['matchExpressions'], [...path, 'matchExpressions']).forEach((entry, index) => {
    const requirement = parseRequirement(reader, entry, [...path, 'matchExpressions', index], unknown);
    if (requirement !== undefined) requirements.push(requirement);
  });
  const failed = reader.diagnostics.slice(errorsBefore).some(({ severity }) => severity === 'error');
  return failed ? undefined : { requirements };
}

function parseRequirement(
  reader: Reader,
  value: unknown,
  path: Path,
  unknown: 'error' | 'warning',
): Requirement | undefined {
  const fields = reader.mapping(value, path) ?? {};
  reader.unknownFields(fields, ['key', 'operator', 'values'], path, unknown);
  const key = reader.text(fields['key'], [...path, 'key']) ?? '';
  checkKey(reader, key, [...path, 'key']);
  const operator = operators.find((name) => name === fields['operator']);
  const values = reader
    .list(fields['values'], [...path, 'values'])
    .map((entry, index) => reader.text(entry, [...path, 'values', index]) ?? '');
  values.forEach((entry, index) => checkValue(reader, entry, [...path, 'values', index]));
  if (operator === undefined) {
    reader.error(
      'invalid-selector',
      [...path, 'operator'],
      `Invalid value: ${JSON.stringify(fields['operator'] ?? '')}: not a valid selector operator`,
    );
    return undefined;
  }
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0)
      reader.error(
        'invalid-selector',
        [...path, 'values'],
        "Required value: must be specified when `operator` is 'In' or 'NotIn'",
      );
    return { operator, key, values };
  }
  if (values.length > 0)
    reader.error(
      'invalid-selector',
      [...path, 'values'],
      "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
    );
  return { operator, key };
}

function checkKey(reader: Reader, key: string, path: Path, at?: Path): void {
  const problem = labelKeyProblem(key);
  if (problem !== undefined)
    reader.error('invalid-selector', path, `Invalid value: ${JSON.stringify(key)}: ${problem}`, at);
}

function checkValue(reader: Reader, value: string, path: Path, at?: Path): void {
  const problem = labelValueProblem(value);
  if (problem !== undefined)
    reader.error('invalid-selector', path, `Invalid value: ${JSON.stringify(value)}: ${problem}`, at);
}
