import type { Protocol } from '../model/policy.js';

export interface PortRange {
  readonly protocol: Protocol;
  readonly first: number;
  readonly last: number;
}

/** Disjoint ranges, by protocol and then by number, none touching the next. Equal sets are the same object. */
export type PortSet = readonly PortRange[];

const lowest = 1;
const highest = 65_535;
const known = new Map<string, PortSet>();

const before = (a: PortRange, b: PortRange): number =>
  a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : a.first - b.first;

/** The set of all these ranges' ports; port 0 is no port. */
export function portSet(ranges: readonly PortRange[]): PortSet {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort(before)) {
    const first = Math.max(range.first, lowest);
    if (first > range.last) continue;
    const previous = merged.at(-1);
    if (previous?.protocol === range.protocol && first <= previous.last + 1)
      merged[merged.length - 1] = { ...previous, last: Math.max(previous.last, range.last) };
    else merged.push({ ...range, first });
  }
  const key = formatPorts(merged);
  const same = known.get(key);
  if (same !== undefined) return same;
  known.set(key, merged);
  return merged;
}

export const noPorts: PortSet = portSet([]);
export const allPorts: PortSet = portSet(
  (['SCTP', 'TCP', 'UDP'] as const).map((protocol) => ({ protocol, first: lowest, last: highest })),
);

export const union = (a: PortSet, b: PortSet): PortSet => (a === b ? a : portSet([...a, ...b]));

export function intersection(a: PortSet, b: PortSet): PortSet {
  if (a === b || b === allPorts) return a;
  if (a === allPorts) return b;
  return portSet(
    a.flatMap((one) =>
      b
        .filter(({ protocol }) => protocol === one.protocol)
        .map((other) => ({
          protocol: one.protocol,
          first: Math.max(one.first, other.first),
          last: Math.min(one.last, other.last),
        }))
        .filter(({ first, last }) => first <= last),
    ),
  );
}

export const hasPort = (set: PortSet, protocol: Protocol, port: number): boolean =>
  set.some((range) => range.protocol === protocol && range.first <= port && port <= range.last);

/** `TCP 80, TCP 90-99`; `all` when nothing is left out. */
export function formatPorts(set: PortSet): string {
  const parts = set.map(({ protocol, first, last }) => {
    if (first === lowest && last === highest) return protocol;
    return `${protocol} ${first === last ? first : `${first}-${last}`}`;
  });
  return parts.join(', ') === 'SCTP, TCP, UDP' ? 'all ports' : parts.join(', ');
}
