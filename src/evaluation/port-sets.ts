import type { Protocol } from '../model/policy.js';
import type { PortRange, PortSet } from '../model/reachability.js';

const lowest = 1;
const highest = 65_535;

export const noPorts: PortSet = [];
export const allPorts: PortSet = (['SCTP', 'TCP', 'UDP'] as const).map((protocol) => ({
  protocol,
  first: lowest,
  last: highest,
}));

const before = (a: PortRange, b: PortRange): number =>
  a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : a.first - b.first;

/** The set of all these ranges' ports; port 0 is no port. */
export function portSet(ranges: readonly PortRange[]): PortSet {
  const merged: PortRange[] = [];
  for (const { protocol, ...range } of [...ranges].sort(before)) {
    const first = Math.max(range.first, lowest);
    if (first > range.last) continue;
    const previous = merged.at(-1);
    if (previous?.protocol === protocol && first <= previous.last + 1)
      merged[merged.length - 1] = { ...previous, last: Math.max(previous.last, range.last) };
    else merged.push({ protocol, first, last: range.last });
  }
  return merged;
}

/** Equal sets have equal keys. */
export const keyOf = (set: PortSet): string =>
  set.map(({ protocol, first, last }) => `${protocol} ${first}-${last}`).join();

export const union = (a: PortSet, b: PortSet): PortSet => (a === b ? a : portSet([...a, ...b]));

/** Both are walked once, side by side; where one holds the other, the other itself is the answer. */
export function intersection(a: PortSet, b: PortSet): PortSet {
  if (a === b) return a;
  const common: PortRange[] = [];
  const isWhole = { a: true, b: true };
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const [one, other] = [a[i], b[j]];
    if (one === undefined || other === undefined) break;
    const [first, last] = [Math.max(one.first, other.first), Math.min(one.last, other.last)];
    if (one.protocol === other.protocol && first <= last) {
      const isOne = first === one.first && last === one.last;
      const isOther = first === other.first && last === other.last;
      if (!isOne) isWhole.a = false;
      if (!isOther) isWhole.b = false;
      common.push(isOne ? one : isOther ? other : { protocol: one.protocol, first, last });
    }
    if (lastIsLower(one, other)) i += 1;
    else j += 1;
  }
  if (isWhole.a && common.length === a.length) return a;
  return isWhole.b && common.length === b.length ? b : common;
}

const lastIsLower = (a: PortRange, b: PortRange): boolean =>
  a.protocol === b.protocol ? a.last < b.last : a.protocol < b.protocol;

/** What is in `a` and not in `b`. */
export function difference(a: PortSet, b: PortSet): PortSet {
  return portSet(b.reduce<readonly PortRange[]>((left, hole) => left.flatMap((range) => cut(range, hole)), a));
}

function cut(range: PortRange, hole: PortRange): PortRange[] {
  if (range.protocol !== hole.protocol || hole.last < range.first || hole.first > range.last) return [range];
  return [
    { ...range, last: hole.first - 1 },
    { ...range, first: hole.last + 1 },
  ].filter(({ first, last }) => first <= last);
}

export const hasPort = (set: PortSet, protocol: Protocol | 'other', port: number): boolean =>
  set.some((range) => range.protocol === protocol && range.first <= port && port <= range.last);
