/** Of what works for the agent beside its own thread, and has ended or was ended. */
export interface Restart {
  readonly child: 'nft' | 'nft monitor' | 'ip monitor' | 'event thread';
  /** `silent`: it ran, and reported nothing of what it must have seen; `unreadable`: what it reported could not be read. */
  readonly reason: 'ended' | 'silent' | 'unreadable';
}
