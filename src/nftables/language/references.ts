/** What rules and map elements refer to: the kernel refuses them without it, and its removal while they are there. */
import type { Rule, Statement } from './types.js';

interface References {
  readonly sets: Set<string>;
  readonly chains: Set<string>;
  readonly counters: Set<string>;
}

const addSetOf = (operand: unknown, { sets }: References): void => {
  if (typeof operand === 'string' && operand.startsWith('@')) sets.add(operand.slice(1));
};

function addStatement(statement: Statement, found: References): void {
  if ('match' in statement) addSetOf(statement.match.right, found);
  else if ('vmap' in statement) addSetOf(statement.vmap.data, found);
  else if ('set' in statement) addSetOf(statement.set.set, found);
  else if ('counter' in statement) found.counters.add(statement.counter);
  else if ('goto' in statement) found.chains.add(statement.goto.target);
  else if ('jump' in statement) found.chains.add(statement.jump.target);
}

export function referencesOf(rules: readonly Rule[]): References {
  const found: References = { sets: new Set(), chains: new Set(), counters: new Set() };
  for (const { statements } of rules) for (const statement of statements) addStatement(statement, found);
  return found;
}

const goTo = 'goto ';

/** The chain that a map element goes to; undefined for an element of a set. */
export const chainOfVerdict = (value: string): string | undefined =>
  value.startsWith(goTo) ? value.slice(goTo.length) : undefined;
