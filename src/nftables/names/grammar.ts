/**
 * Names of objects, each form declared once: the same parts write a name and read it, and its meaning's type follows
 * from them.
 */

/** A part of a name that carries a value. */
export interface Field<Key extends string, Value> {
  readonly key: Key;
  /** A regular expression of its text, without groups. */
  readonly pattern: string;
  /** For people only: a name that is too long loses the end of it. */
  readonly isReadable?: true;
  write(value: Value): string;
  read(text: string): Value;
}

type Part = string | Field<string, unknown>;
type Forms = Readonly<Record<string, readonly Part[]>>;

type ValuesOf<Parts extends readonly Part[]> = {
  readonly [One in Exclude<Parts[number], string> as One['key']]: One extends Field<string, infer Value>
    ? Value
    : never;
};

/** One member for every form, told apart by `kind`. */
export type MeaningIn<Table extends Forms> = {
  readonly [Kind in keyof Table & string]: { readonly kind: Kind } & ValuesOf<Table[Kind]>;
}[keyof Table & string];

interface Grammar<Meaning extends { readonly kind: string }> {
  readonly nameOf: (meaning: Meaning) => string;
  /** Undefined for a name that is none of ours. */
  readonly meaningOf: (name: string) => Meaning | undefined;
  /** Undefined also for a name of another kind; far quicker, where many names are asked. */
  readonly meaningAs: <Kind extends Meaning['kind']>(
    kind: Kind,
    name: string,
  ) => Extract<Meaning, { kind: Kind }> | undefined;
}

/** nft takes far longer ones; nobody reads them. */
export const longestName = 60;

export function grammarOf<const Table extends Forms>(forms: Table): Grammar<MeaningIn<Table>> {
  const readers = new Map(Object.entries(forms).map(([kind, parts]) => [kind, readerOf(kind, parts)]));
  return {
    nameOf: (meaning) => write(forms[meaning.kind] ?? [], meaning),
    meaningOf: (name) => {
      for (const read of readers.values()) {
        const meaning = read(name);
        if (meaning !== undefined) return meaning as MeaningIn<Table>;
      }
      return undefined;
    },
    meaningAs: <Kind extends keyof Table & string>(kind: Kind, name: string) =>
      readers.get(kind)?.(name) as Extract<MeaningIn<Table>, { kind: Kind }> | undefined,
  };
}

function write(parts: readonly Part[], values: Readonly<Record<string, unknown>>): string {
  const texts = parts.map((part) => (typeof part === 'string' ? part : part.write(values[part.key])));
  const name = texts.join('');
  const excess = name.length - longestName;
  if (excess <= 0) return name;
  const cut = (text: string): string => text.slice(0, Math.max(1, text.length - excess));
  return texts.map((text, index) => (isReadable(parts[index]) ? cut(text) : text)).join('');
}

const isReadable = (part: Part | undefined): boolean => typeof part === 'object' && part.isReadable === true;

function readerOf(kind: string, parts: readonly Part[]): (name: string) => object | undefined {
  const pattern = new RegExp(
    `^${parts.map((part) => (typeof part === 'string' ? part : `(${part.pattern})`)).join('')}$`,
  );
  const fields = parts.filter((part) => typeof part !== 'string');
  return (name) => {
    const found = pattern.exec(name);
    if (found === null) return undefined;
    const values = fields.map((field, index): [string, unknown] => [field.key, field.read(found[index + 1] ?? '')]);
    return { kind, ...Object.fromEntries(values) };
  };
}
