/** Counts of what nft lists: the agent's table by kind of object. */
export interface KernelObjects {
  readonly chains: number;
  readonly rules: number;
  readonly sets: number;
  /** Those that packets add are left out. */
  readonly elements: number;
  /** By set or map. */
  readonly elementsOf: Readonly<Record<string, number>>;
}

interface ListedObject {
  readonly name?: string;
  readonly elem?: readonly unknown[];
  readonly flags?: readonly string[];
}
type Listed = Readonly<Record<string, ListedObject>>;

/** @param listing of `nft -j list table` */
export function countObjects(listing: string): KernelObjects {
  const { nftables } = JSON.parse(listing) as { nftables: readonly Listed[] };
  const of = (kind: string) => nftables.flatMap((entry) => entry[kind] ?? []);
  // JSON lists no `dynamic`: what packets add times out.
  const sets = [...of('set'), ...of('map')].filter(
    ({ name = '', flags = [] }) => !flags.includes('timeout') && !name.startsWith('cache'),
  );
  return {
    chains: of('chain').length,
    rules: of('rule').length,
    sets: sets.length,
    elements: sets.reduce((sum, { elem = [] }) => sum + elem.length, 0),
    elementsOf: Object.fromEntries(sets.map(({ name = '', elem = [] }) => [name, elem.length])),
  };
}

export const describeObjects = (objects: KernelObjects | undefined): string =>
  objects === undefined
    ? 'kernel objects not counted in 30 s'
    : `${objects.elements} elements, ${objects.sets} sets, ${objects.rules} rules, ${objects.chains} chains`;

/** What there is more of than before, in words; empty when all is given back. */
export function leftOver(before: KernelObjects, after: KernelObjects): string {
  const objects = (['sets', 'rules', 'chains'] as const)
    .filter((kind) => after[kind] > before[kind])
    .map((kind) => `${after[kind] - before[kind]} ${kind}`);
  const elements = Object.entries(after.elementsOf)
    .map(([name, count]) => [name, count - (before.elementsOf[name] ?? 0)] as const)
    .filter(([, more]) => more > 0)
    .map(([name, more]) => `${more} elements of ${name}`);
  return [...elements.slice(0, 5), ...objects].join(', ');
}
