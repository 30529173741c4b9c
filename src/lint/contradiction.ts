/** Selectors that no labels match, proved from their text alone. */
import type { LabelSelector } from '../model/labels.js';

/** A key on which the selector contradicts itself. */
export function contradiction({ requirements }: LabelSelector): string | undefined {
  for (const { key } of requirements) {
    const own = requirements.filter((one) => one.key === key);
    const absent = own.some(({ operator }) => operator === 'DoesNotExist');
    const present = own.some(({ operator }) => operator === 'Exists' || operator === 'In');
    if (absent && present) return key;
    let allowed: readonly string[] | undefined;
    for (const one of own)
      if (one.operator === 'In') allowed = allowed?.filter((value) => one.values.includes(value)) ?? one.values;
    for (const one of own)
      if (one.operator === 'NotIn') allowed = allowed?.filter((value) => !one.values.includes(value));
    if (allowed?.length === 0) return key;
  }
  return undefined;
}

/** Whether labels that both match may exist. */
export const mayShare = (one: LabelSelector, other: LabelSelector): boolean =>
  contradiction({ requirements: [...one.requirements, ...other.requirements] }) === undefined;
