/** Circles in a graph of files, each as the shortest way around from its first file. */
export function circlesIn(imports: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const circles: (readonly string[])[] = [];
  const shown = new Set<string>();
  for (const file of [...imports.keys()].sort()) {
    const way = shown.has(file) ? undefined : wayBack(file, imports);
    if (way === undefined) continue;
    circles.push(way);
    for (const one of way) shown.add(one);
  }
  return circles;
}

/** The shortest way from a file to itself. */
function wayBack(file: string, imports: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[file]];
  const seen = new Set<string>();
  for (const way of ways)
    for (const target of imports.get(way.at(-1) ?? '') ?? []) {
      if (target === file) return [...way, file];
      if (seen.has(target)) continue;
      seen.add(target);
      ways.push([...way, target]);
    }
  return undefined;
}
