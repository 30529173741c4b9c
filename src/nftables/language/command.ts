import type { Effect } from '../../program/types.js';
import type { Hook, OtherObject, Rule, SetForm, TableName } from './types.js';

/** A key, and its value in a verdict map or ''. */
export type Element = readonly [key: string, value: string];

/** One change to a table. command-text.ts and command-json.ts print it. */
export type Command =
  | { readonly kind: 'add table'; readonly title?: string }
  | { readonly kind: 'delete table' }
  | { readonly kind: 'add counter' | 'delete counter'; readonly name: string }
  /** Without elements. */
  | { readonly kind: 'add set'; readonly set: SetForm }
  | { readonly kind: 'delete set'; readonly name: string; readonly verdicts: boolean }
  | { readonly kind: 'delete other'; readonly object: OtherObject }
  | { readonly kind: 'add elements'; readonly set: string; readonly elements: readonly Element[] }
  | { readonly kind: 'delete elements'; readonly set: string; readonly keys: readonly string[] }
  /** Without rules. A base chain is one from its first line: a hook cannot be added later. */
  | { readonly kind: 'add chain'; readonly name: string; readonly title?: string; readonly hook?: Hook }
  | { readonly kind: 'flush chain' | 'delete chain'; readonly name: string }
  | { readonly kind: 'add rule'; readonly chain: string; readonly rule: Rule };

/** Applied to its table as one unit or not at all. */
export interface Transaction extends TableName {
  readonly effect: Effect;
  readonly commands: readonly Command[];
}

/** Elements that the transaction adds or deletes. */
export function countElements({ commands }: Transaction): number {
  let count = 0;
  for (const command of commands)
    if (command.kind === 'add elements') count += command.elements.length;
    else if (command.kind === 'delete elements') count += command.keys.length;
  return count;
}

export const deletedCounters = ({ commands }: Transaction): string[] =>
  commands.flatMap((command) => (command.kind === 'delete counter' ? [command.name] : []));
