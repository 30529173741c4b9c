/**
 * Whose a link is, when pods and links are exchanged. A reading says where each live pod is; a link that is another's is
 * given to a pod only when that other no longer claims it:
 *
 *   the link's pod           and the pod that claims it
 *   none is known            gets it
 *   is the same              keeps it, also against what a bridge has learned elsewhere
 *   has no live object       gets it: objects were exchanged behind one link, or a mirror Pod was made anew
 *   is live, found at        gets it, if the other gets its link too: objects moved. A chain of moves ends at a free
 *   another link             link or in a circle, else all of it stays
 *   is live, stays           does not: first come, first kept; the newcomer is closed and reported
 *
 * Of two pods that claim a link of nobody, the better source wins: CNI's result, then a route, then what a bridge has
 * learned; of two alike the first.
 */

/** From the best; a record only speaks for a link of its own pod. */
const ranking = ['record', 'result', 'route', 'bridge'] as const;
export type ClaimSource = (typeof ranking)[number];

/** What a live pod asks for; pods and links are named as the caller likes. */
export interface LinkClaim {
  readonly pod: string;
  readonly link: number;
  readonly by: ClaimSource;
  /** The link that it falls back to. */
  readonly own?: number;
}

/** Who had a link before. */
export interface LinkOwner {
  readonly pod: string;
  /** It has a live object that no reading is asked for, as it has no address. */
  readonly isHeld?: boolean;
}

/**
 * @param claims one of each live pod; a pod that claims nothing keeps what is its own only if it says so
 * @param owners of links that are there
 * @returns the pods that get what they claim
 */
export function grantLinks(claims: readonly LinkClaim[], owners: ReadonlyMap<number, LinkOwner>): ReadonlySet<string> {
  const granted = new Set(claims.map(({ pod }) => pod));
  const claimants = new Map<number, LinkClaim[]>();
  for (const claim of claims) claimantsOf(claimants, claim.link).push(claim);
  // Who is refused stays where it was, which may refuse another: each pod once.
  const pending = [...claimants.keys()];
  for (let link = pending.pop(); link !== undefined; link = pending.pop()) {
    const here = claimantsOf(claimants, link);
    const winner = winnerOf(here, owners.get(link));
    claimants.set(link, winner === undefined ? [] : [winner]);
    for (const { pod, own } of here) {
      if (pod === winner?.pod || !granted.delete(pod) || own === undefined || own === link) continue;
      claimantsOf(claimants, own).push({ pod, link: own, by: 'record' });
      pending.push(own);
    }
  }
  return granted;
}

function winnerOf(claims: readonly LinkClaim[], owner: LinkOwner | undefined): LinkClaim | undefined {
  const own = claims.find(({ pod }) => pod === owner?.pod);
  if (own !== undefined || owner?.isHeld === true) return own;
  const rankOf = ({ by }: LinkClaim): number => ranking.indexOf(by);
  return claims.reduce<LinkClaim | undefined>(
    (best, claim) => (best === undefined || rankOf(claim) < rankOf(best) ? claim : best),
    undefined,
  );
}

function claimantsOf(map: Map<number, LinkClaim[]>, link: number): LinkClaim[] {
  const found = map.get(link) ?? [];
  map.set(link, found);
  return found;
}
