/** Names that released agents gave. A table of theirs is read until the first change of an agent of today replaces it. */

const renamed: readonly (readonly [old: RegExp, name: string])[] = [
  [/^would-(deny|allow)-/, 'dry-run-$1-'],
  [/^allow-(in|out)-open$/, 'allow-$1-not-isolated'],
  // The old name covered both `untracked` and `invalid`.
  [/^(deny|drop)-no-entry$/, '$1-invalid'],
  [/^(deny|drop)-picked-full$/, '$1-midstream-full'],
  [/^(deny|drop)-error$/, '$1-icmp-error'],
  [/^(?:picked|midstream)([46])$/, 'mid-streams$1'],
];

/** What an object of an earlier release is called today; any other name as it is. */
export function todaysName(name: string): string {
  for (const [old, today] of renamed) if (old.test(name)) return name.replace(old, today);
  return name;
}

export const isRetired = (name: string): boolean => todaysName(name) !== name;
