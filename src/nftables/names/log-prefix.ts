/** What a log rule says of a packet: the chain that it ended in, and which way it goes. */
import type { LoggedChain } from '../../program/logged-chain.js';
import { chains } from './chains.js';
import { todaysName } from './retired.js';

/** `packet`: evaluated by its header, since it has no flow of its own to name. */
export type Orientation = 'original' | 'reply' | 'packet';

interface LogPrefix {
  readonly chain: string;
  /** Undefined for a chain of an agent that is not known yet. */
  readonly meaning: LoggedChain | undefined;
  readonly orientation: Orientation;
}

export const logPrefix = (chain: string, orientation: Orientation): string => `podwall ${chain} ${orientation}`;

/** The inverse of {@link logPrefix}; undefined for what others wrote. */
export function parseLogPrefix(text: string): LogPrefix | undefined {
  const [, chain, orientation] = /^podwall (\S+) (original|reply|packet)$/.exec(text) ?? [];
  if (chain === undefined) return undefined;
  const today = todaysName(chain);
  const meaning = chains.meaningOf(today);
  return {
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
