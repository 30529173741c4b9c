/**
 * What one pod may put into a set that packets of all fill. An element counts towards the client of its flow, whose address
 * the guards of its node vouch for, and, where that is no pod of this node, towards the server as well: whoever sends from
 * many addresses fills the share of the pod that it sends to, and of no other.
 *
 * A share is a limit: so many at once, and so many in a period after that. What is not there yet is added behind it, so
 * that no more than the burst, and what comes in during a time-out, is in the set.
 */
import type { Family } from '../../model/address.js';
import { emptySet } from '../language/empty-set.js';
import * as x from '../language/expressions.js';
import { addressType } from '../language/key-types.js';
import type { NftSet, Statement } from '../language/types.js';
import { setName, shareHolders, type ShareHolder } from '../names/sets.js';

export interface Share {
  /** The set that keeps the limits of these. */
  readonly setOf: (holder: ShareHolder, family: Family) => string;
  /** Of a client. */
  readonly one: Statement;
  /** Of all clients elsewhere of one server. */
  readonly all: Statement;
  /** When unused for so long a share is as full as at the beginning, and needs no place. */
  readonly timeoutSeconds: number;
}

/** Addresses that have a share at a time. */
const most = 65_536;

export const shareSets = (family: Family, { setOf, timeoutSeconds }: Share): NftSet[] =>
  shareHolders.map((holder) => ({
    ...emptySet(setOf(holder, family), [addressType(family)]),
    dynamic: { timeoutSeconds, size: most },
  }));

/** In several forms, of which one holds: statements that end the rule where the share is used up. */
export function withinShare(family: Family, { setOf, one, all }: Share): readonly (readonly Statement[])[] {
  const [client, server] = [x.client(family), x.server(family)];
  const [pods, clients, servers] = shareHolders.map((holder) => setOf(holder, family)) as [string, string, string];
  const ofClient = x.recordLimited(client, clients, one);
  const ofServer = x.recordLimited(server, servers, all);
  const isElsewhere = x.notInSet(client, setName.pods(family));
  return [
    [x.inSet(client, setName.pods(family)), x.recordLimited(client, pods, one)],
    [isElsewhere, x.inSet(client, clients), ofClient, ofServer],
    // A new address takes a place only where its server has something left.
    [isElsewhere, x.notInSet(client, clients), ofServer, ofClient],
  ];
}
