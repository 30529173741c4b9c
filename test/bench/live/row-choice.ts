/** `--rows`: some rows of a table, by parts of their names. */

/** Those with one of the parts in their name, which a comma separates; all when nothing is chosen. */
export function chosenByName(names: readonly string[], rows: string | undefined): readonly string[] {
  if (rows === undefined) return names;
  const parts = rows.split(',').map((part) => part.trim());
  return names.filter((name) => parts.some((part) => part !== '' && name.includes(part)));
}
