/** Reasons to drop a packet that are no policy's: each has a chain, a counter and a title in nftables/, and a reason in records. */
export const skeletonDrops = [
  /** In the middle of a stream that conntrack has not seen, and one of its endpoints is isolated. */
  'mid-stream',
  /** The same, allowed, but there is no room to remember that stream. */
  'midstream-full',
  /** Without a conntrack entry, to or from an isolated pod. */
  'untracked',
  'invalid',
  /** An ICMP type that is no error (a redirect), or an error that no endpoint of the flow it quotes sent. */
  'icmp-error',
  /** An address in the node's pod ranges that no known pod has: at an endpoint of the flow, or of a packet without one. */
  'unknown-pod',
  'unknown-pod-packet',
] as const;
export type SkeletonDrop = (typeof skeletonDrops)[number];
