import { labelOf, type Labels, type LabelSelector, type Requirement } from '../model/labels.js';

/** Whether every requirement holds (SEMANTICS A3): NotIn holds for an absent key. */
export function matches(selector: LabelSelector, labels: Labels): boolean {
  return selector.requirements.every((requirement) => holds(requirement, labelOf(labels, requirement.key)));
}

function holds(requirement: Requirement, value: string | undefined): boolean {
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && requirement.values.includes(value);
    case 'NotIn':
      return value === undefined || !requirement.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/**
 * The selector's identity: two selectors with the same text select the same. Requirements and values are sorted and
 * unique; one value reads as `key=value`. Label keys and values have no blanks or commas, so the text is unambiguous.
 */
export function canonicalText(selector: LabelSelector): string {
  return [...new Set(selector.requirements.map(requirementText))].sort().join(',');
}

function requirementText(requirement: Requirement): string {
  const { key } = requirement;
  if (!('values' in requirement)) return requirement.operator === 'Exists' ? key : `!${key}`;
  const values = [...new Set(requirement.values)].sort();
  const isIn = requirement.operator === 'In';
  if (values.length === 1) return `${key}${isIn ? '=' : '!='}${values[0] ?? ''}`;
  return `${key} ${isIn ? 'in' : 'notin'} (${values.join('|')})`;
}
