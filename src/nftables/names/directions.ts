import type { Direction } from '../../model/policy.js';

/** In the names of chains, sets and counters. */
export const short = (direction: Direction): 'in' | 'out' => (direction === 'ingress' ? 'in' : 'out');

/** Where a packet goes that the stage of this direction allows. */
export const afterAllowed = { ingress: 'admit', egress: 'ingress-judged' } as const;
