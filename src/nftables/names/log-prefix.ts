/** What a log rule says of a packet: the chain that it ended in, and which way it goes. */
import type { LoggedChain, LogPrefix, Orientation } from '../../program/logged-chain.js';
import { chains } from './chains.js';
import { todaysName } from './retired.js';

export type { Orientation } from '../../program/logged-chain.js';

export const logPrefix = (chain: string, orientation: Orientation): string => `podwall ${chain} ${orientation}`;

/** The inverse of {@link logPrefix}; undefined for what others wrote. */
export function parseLogPrefix(text: string): LogPrefix | undefined {
  const [, chain, orientation] = /^podwall (\S+) (original|reply|packet)$/.exec(text) ?? [];
  if (chain === undefined) return undefined;
  const today = todaysName(chain);
  const meaning = chains.meaningOf(today);
  return {
    // Written anew: released agents cut long names at other places, and only the name of today finds its decision.
    chain: meaning === undefined ? today : chains.nameOf(meaning),
    meaning: meaning === undefined ? undefined : loggedChain(meaning),
    orientation: orientation as Orientation,
  };
}

type Meaning = NonNullable<ReturnType<typeof chains.meaningOf>>;

function loggedChain(meaning: Meaning): LoggedChain | undefined {
  switch (meaning.kind) {
    case 'skeleton-deny':
    case 'deny':
    case 'dry-run-deny':
    case 'allow':
    case 'dry-run-allow':
    case 'allow-not-isolated':
    case 'guard':
    case 'egress-guard':
      return meaning;
    default:
      return undefined;
  }
}
