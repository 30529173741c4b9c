/** Whether one thing that a policy says lies within another, whatever pods there are: proved from the text alone. */
import { rangeOf, rangesOf, rangesWithout, subtractRanges, type AddressRange } from '../addresses/address-ranges.js';
import { cidrWithin } from '../model/address.js';
import type { LabelSelector, Requirement } from '../model/labels.js';
import { impliedNamespace } from '../model/parse.js';
import type { Peer, Port } from '../model/policy.js';
import { matches } from '../selectors/match.js';

/** Whether everything that `narrow` selects is selected by `wide`; false where that is not known. */
export const selectorWithin = (narrow: LabelSelector, wide: LabelSelector): boolean =>
  wide.requirements.every((required) => narrow.requirements.some((given) => implies(given, required)));

function implies(given: Requirement, required: Requirement): boolean {
  if (given.key !== required.key) return false;
  switch (required.operator) {
    case 'In':
      return given.operator === 'In' && given.values.every((value) => required.values.includes(value));
    case 'NotIn':
      if (given.operator === 'In') return !given.values.some((value) => required.values.includes(value));
      if (given.operator === 'NotIn') return required.values.every((value) => given.values.includes(value));
      return given.operator === 'DoesNotExist';
    case 'Exists':
      return given.operator === 'Exists' || given.operator === 'In';
    case 'DoesNotExist':
      return given.operator === 'DoesNotExist';
  }
}

/** @param namespace the policies' own */
export function peerWithin(narrow: Peer, wide: Peer, namespace: string): boolean {
  if (narrow.kind === 'ipBlock' || wide.kind === 'ipBlock')
    return narrow.kind === 'ipBlock' && wide.kind === 'ipBlock' && blockWithin(narrow, wide);
  return namespacesWithin(narrow.namespaces, wide.namespaces, namespace) && selectorWithin(narrow.pods, wide.pods);
}

type Block = Extract<Peer, { kind: 'ipBlock' }>;

const blockWithin = (narrow: Block, wide: Block): boolean =>
  cidrWithin(narrow.cidr, wide.cidr) && rangesWithout(addressesOf(narrow), addressesOf(wide)).length === 0;

const addresses = new WeakMap<Block, readonly AddressRange[]>();

/** What a block leaves after its excepts, sorted. */
export function addressesOf(block: Block): readonly AddressRange[] {
  const known = addresses.get(block);
  if (known !== undefined) return known;
  const ranges = subtractRanges(rangeOf(block.cidr), rangesOf(block.except, block.cidr.family));
  addresses.set(block, ranges);
  return ranges;
}

/** A namespace's name is the one label that is known of it. */
function namespacesWithin(narrow: LabelSelector | 'own', wide: LabelSelector | 'own', namespace: string): boolean {
  const { labels } = impliedNamespace(namespace);
  if (narrow === 'own') return wide === 'own' || isMetByName(wide, labels);
  if (wide !== 'own') return selectorWithin(narrow, wide);
  const own = Object.entries(labels).map(([key, value]) => ({ operator: 'In' as const, key, values: [value] }));
  return selectorWithin(narrow, { requirements: own });
}

const isMetByName = (selector: LabelSelector, labels: Readonly<Record<string, string>>): boolean =>
  selector.requirements.every(({ key }) => key in labels) && matches(selector, labels);

export function portWithin(narrow: Port, wide: Port): boolean {
  if (narrow.protocol !== wide.protocol) return false;
  if (wide.kind === 'all') return true;
  if (narrow.kind === 'named') return wide.kind === 'named' && narrow.name === wide.name;
  return narrow.kind === 'range' && wide.kind === 'range' && wide.first <= narrow.first && narrow.last <= wide.last;
}
