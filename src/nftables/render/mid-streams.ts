/**
 * Streams that were met in their middle: who is their client is not known, so they are evaluated both ways for as long as
 * conntrack knows them, and must be recorded. Of TCP they begin without a SYN; an association of SCTP without an INIT,
 * for example with the heartbeat of a server whose entry is gone.
 */
import { families, type Family } from '../../model/address.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { NftSet, Rule, Statement } from '../language/types.js';
import { counters } from '../names/counters.js';
import { setName } from '../names/sets.js';
import { shareSets, withinShare, type Share } from './shares.js';

export const midstreamAccepted = counters.nameOf({ kind: 'accepted', what: 'midstream' });

const rule = (...statements: readonly Statement[]): Rule => ({ statements });

const isInTheMiddleOfTcp = x.match({ '&': [x.headerField('tcp', 'flags'), ['fin', 'syn', 'rst', 'ack']] }, 'syn', '!=');
/** The type of the first chunk, which follows the header of 96 bits; an INIT has no other behind it (RFC 9260, 6.10). */
const isInTheMiddleOfSctp: readonly Statement[] = [
  x.match(x.packetProtocol, 'sctp'),
  x.match(x.bits('th', 96, 8), 1, '!='),
];

/** Conntrack takes whoever it sees first as the client. */
const beginsInTheMiddle: readonly (readonly Statement[])[] = [[isInTheMiddleOfTcp], isInTheMiddleOfSctp];

export const newFromTheMiddle = (target: Statement): Rule[] =>
  beginsInTheMiddle.map((is) => rule(x.flowState('new'), ...is, target));

const hasStreams = x.anyOf(x.packetProtocol, ['tcp', 'sctp']);
/** Of packets; and of ICMP errors, by the flow that they quote. */
export const isMidstream = (family: Family): readonly Statement[] => [hasStreams, isKnown(family)];
export const quotesMidstream = (family: Family): readonly Statement[] => [
  x.ofFamily(family),
  x.flowHasPorts,
  isKnown(family),
];
const isKnown = (family: Family): Statement => x.inSet(x.fullTuple(family), setName.midstream(family));
const record = (family: Family): Statement => x.record('update', x.fullTuple(family), setName.midstream(family));

/** Also one that is dropped afterwards keeps conntrack's entry, and so its record. */
export const keepRecorded: readonly Rule[] = families.map((family) => rule(...isMidstream(family), record(family)));

/** As long as conntrack keeps an idle established stream: with less, an idle one would be evaluated one way. */
const timeoutSeconds = 5 * 24 * 60 * 60;
/**
 * A pod has 16,384 streams at once, and 30,784 in the whole time-out; all clients elsewhere of one server four times that.
 * One that begins anew after two days has all of it again.
 */
const share: Share = {
  setOf: setName.midstreamShare,
  one: x.limit(2, 16_384, 'minute'),
  all: x.limit(8, 65_536, 'minute'),
  timeoutSeconds: 2 * 24 * 60 * 60,
};

/**
 * Recorded in the rule that accepts: without room it is refused, never unrecorded.
 * @param deny a jump where nothing is dropped
 */
export const recordAndAccept = (deny: Statement): Rule[] => [
  ...families.map((family) => rule(...isMidstream(family), x.accept)),
  ...families.flatMap((family) =>
    withinShare(family, share).map((within) =>
      rule(hasStreams, ...within, record(family), x.count(midstreamAccepted), x.accept),
    ),
  ),
  rule(deny),
  ...('jump' in deny ? [rule(x.accept)] : []),
];

export const midstreamSets = (family: Family): NftSet[] => {
  const address = addressType(family);
  return [
    {
      ...emptySet(setName.midstream(family), [address, 'inet_service', address, 'inet_service']),
      title: 'streams that were met in their middle, and allowed',
      dynamic: { timeoutSeconds, size: 262_144 },
    },
    ...shareSets(family, share),
  ];
};
