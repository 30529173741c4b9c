/** What names are made of. */
import type { Family } from '../../model/address.js';
import type { Direction } from '../../model/policy.js';
import type { Field } from './grammar.js';

/** A value that has a word of its own; the empty one for a value that is not said. */
export function words<const Key extends string, const Value extends string>(
  key: Key,
  texts: Readonly<Record<Value, string>>,
): Field<Key, Value> {
  const values = new Map(Object.entries<string>(texts).map(([value, text]) => [text, value as Value]));
  return {
    key,
    pattern: [...values.keys()].join('|'),
    write: (value) => texts[value],
    read: (text) => values.get(text) as Value,
  };
}

/** A value that is its own word. */
export const oneOf = <const Key extends string, const Value extends string>(
  key: Key,
  values: readonly Value[],
): Field<Key, Value> =>
  words(key, Object.fromEntries(values.map((value): [string, Value] => [value, value])) as Record<Value, Value>);

/** Said where it is true. */
export const flag = <const Key extends string>(key: Key, text: string): Field<Key, boolean> => ({
  key,
  pattern: `(?:${text})?`,
  write: (value) => (value ? text : ''),
  read: (found) => found !== '',
});

const textOf = <const Key extends string>(key: Key, pattern: string): Field<Key, string> => ({
  key,
  pattern,
  write: (value) => value,
  read: (text) => text,
});

/** Tells apart what is said of it nowhere else in the name; see `hashOf`. */
export const hash = <const Key extends string>(key: Key): Field<Key, string> => textOf(key, '[0-9a-f]{1,16}');

export const count = <const Key extends string>(key: Key): Field<Key, number> => ({
  key,
  pattern: '0|[1-9][0-9]*',
  write: String,
  read: Number,
});

/** For people: what tells names apart is the hash beside it. nft takes letters, digits and `/ \ _ . -`. */
export const readable: Field<'readable', string> = {
  ...textOf('readable', '[A-Za-z0-9_.-]+'),
  isReadable: true,
  write: (value) => value.replace(/[^A-Za-z0-9_.-]/g, '-'),
};

export const device = textOf('device', '\\S+');
export const direction = words<'direction', Direction>('direction', { ingress: 'in', egress: 'out' });
export const family = words<'family', Family>('family', { IPv4: '4', IPv6: '6' });
/** One rule of a policy, by where it stands in the YAML. */
export const ofRule = [direction, '-', readable, '-', count('rule'), '-', hash('policy')] as const;
