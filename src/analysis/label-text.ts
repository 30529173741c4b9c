/** Selectors of labels as people type them. */
import type { LabelSelector } from '../model/labels.js';

/** `app=web,tier!=db,team,!old`: equality and existence, as kubectl's -l has them. */
export function parseLabels(text: string): LabelSelector {
  const requirements = text.split(',').map((part): LabelSelector['requirements'][number] => {
    const [, key = '', operator = '', value = ''] = /^([^=!]+?)(==?|!=)(.*)$/.exec(part) ?? [];
    if (key !== '') return { operator: operator === '!=' ? 'NotIn' : 'In', key, values: [value] };
    return part.startsWith('!') ? { operator: 'DoesNotExist', key: part.slice(1) } : { operator: 'Exists', key: part };
  });
  return { requirements };
}
