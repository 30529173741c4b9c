import type { Family } from '../../model/address.js';
import type { Expression, KeyType, SetForm } from './types.js';

export const addressType = (family: Family): KeyType => (family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr');

/**
 * How a new set says what its keys are. Of a set that is declared by `type`, nft 1.1 stores an expression without content,
 * and with such a set in the kernel nft 1.0.6 crashes at whatever it is asked; declared by `typeof` all versions read it.
 */
export type KeysBy = 'type' | 'typeof';

/** Concatenations of a set are stored alike by all versions. */
export const needsTypeof = ({ type, verdicts }: Pick<SetForm, 'type' | 'verdicts'>): boolean =>
  verdicts || type.length === 1;

/** An integer has no size of its own: no version takes it by `type`. */
export const hasNoWord = ({ type }: Pick<SetForm, 'type'>): boolean => type.includes('integer');

const typical: Readonly<Record<KeyType, Expression>> = {
  ipv4_addr: { payload: { protocol: 'ip', field: 'saddr' } },
  ipv6_addr: { payload: { protocol: 'ip6', field: 'saddr' } },
  inet_proto: { meta: { key: 'l4proto' } },
  inet_service: { payload: { protocol: 'tcp', field: 'dport' } },
  integer: { payload: { base: 'th', offset: 64, len: 128 } },
  iface_index: { meta: { key: 'iif' } },
};

/** Expressions of these types. */
export function typeofKeys(types: readonly KeyType[]): Expression {
  const expressions = types.map((type) => typical[type]);
  const [first] = expressions;
  return first !== undefined && expressions.length === 1 ? first : { concat: expressions };
}

const typeByExpression = new Map(
  Object.entries(typical).map(([type, expression]) => [JSON.stringify(expression), type as KeyType]),
);

/** The types of a set's keys as nft lists them: a word, several, or an expression; what we never write as it stands. */
export function keyTypesFrom(listed: unknown): KeyType[] {
  const isTypeof = typeof listed === 'object' && listed !== null && 'typeof' in listed;
  if (!isTypeof) return (Array.isArray(listed) ? listed : [listed]) as KeyType[];
  const expression = listed.typeof as Expression;
  const parts = 'concat' in expression ? expression.concat : [expression];
  return parts.map((part) => {
    const text = JSON.stringify(part);
    return typeByExpression.get(text) ?? (text as KeyType);
  });
}
