/** What a rule's ports are looked up with: one set of numbers, one set of named listeners, or nothing. */
import type { Family } from '../../model/address.js';
import type { GroupId, PortMatch } from '../../program/types.js';
import { joinKey, rangeText } from '../language/elements.js';
import * as x from '../language/expressions.js';
import type { MutableSet } from '../language/mutable-ruleset.js';
import type { Statement } from '../language/types.js';
import { hashOf } from '../names/hash.js';
import { sets } from '../names/sets.js';
import type { SetUse } from './group-sets.js';

type RangeMatch = Extract<Extract<PortMatch, { kind: 'union' }>['of'][number], { kind: 'range' }>;
type PortRange = Omit<RangeMatch, 'kind' | 'index'>;

/** What one look-up can ask of a flow's ports. */
export interface PortForm {
  /** Equal for forms that ask the same. */
  readonly key: string;
  readonly text: string;
  /** Stands before everything that names a port. */
  guard(view?: x.RelationView): readonly Statement[];
  match(family: Family, view?: x.RelationView): readonly Statement[];
  /** The sets that it needs. */
  readonly set?: MutableSet;
  /** What the set holds. */
  readonly ranges?: readonly PortRange[];
  readonly listeners?: SetUse;
}

const guard: PortForm['guard'] = (view = x.byFlow) => [view.hasPorts];

/** At most two: numbers, and names. */
export function portForms(ports: PortMatch, unionOf: (ids: readonly GroupId[]) => SetUse): readonly PortForm[] {
  if (ports.kind === 'anyPort') return [{ key: 'any', text: '', guard: () => [], match: () => [] }];
  const ranges = ports.of.filter((port) => port.kind === 'range');
  const names = ports.of.flatMap((port) => (port.kind === 'listeners' ? [port.of] : []));
  return [
    ...(ranges.length === 0 ? [] : [numberForm(ranges)]),
    ...(names.length === 0 ? [] : [nameForm(unionOf([...new Set(names)]))]),
  ];
}

function numberForm(ranges: readonly RangeMatch[]): PortForm {
  const set = portSet(ranges);
  return {
    key: set.name,
    text: ` to ${set.title ?? ''}`,
    guard,
    match: (_, { protocol, serverPort } = x.byFlow) => [x.inSet(x.concat(protocol, serverPort), set.name)],
    set,
    ranges,
  };
}

const nameForm = (listeners: SetUse): PortForm => ({
  key: listeners.id,
  text: ` to ${listeners.title}`,
  guard,
  match: (family, { server, protocol, serverPort } = x.byFlow) => [
    x.inSet(x.concat(server(family), protocol, serverPort), listeners.names[family]),
  ],
  listeners,
});

/** Sorted by protocol and port, without overlaps: nft refuses an element that meets another. */
function merged(ranges: readonly PortRange[]): PortRange[] {
  const sorted = [...ranges].sort(
    (a, b) => (a.protocol < b.protocol ? -1 : a.protocol > b.protocol ? 1 : 0) || a.first - b.first,
  );
  const result: PortRange[] = [];
  for (const range of sorted) {
    const last = result.at(-1);
    if (last?.protocol === range.protocol && range.first <= last.last + 1)
      result[result.length - 1] = { ...last, last: Math.max(last.last, range.last) };
    else result.push(range);
  }
  return result;
}

export function portSet(ranges: readonly PortRange[]): MutableSet {
  const list = merged(ranges);
  const keys = list.map(({ protocol, first, last }) => joinKey(protocol.toLowerCase(), rangeText(first, last)));
  return {
    name: sets.nameOf({ kind: 'ports', ports: hashOf(keys.join('\0')) }),
    title: portsText(list),
    type: ['inet_proto', 'inet_service'],
    verdicts: false,
    interval: list.some(({ first, last }) => first !== last),
    elements: new Map(keys.map((key) => [key, ''])),
  };
}

const portsText = (ranges: readonly PortRange[]): string =>
  ranges.map(({ protocol, first, last }) => `${protocol} ${rangeText(first, last)}`).join(', ');
