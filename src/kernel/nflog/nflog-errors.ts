export type NflogReason = 'no-koffi' | 'group-in-use' | 'failed';

/** Why logged packets cannot be received; enforcement does not depend on it. */
export class NflogError extends Error {
  readonly reason: NflogReason;

  constructor(reason: NflogReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NflogError';
    this.reason = reason;
  }
}

export const errnoOf = { EPERM: 1, EINTR: 4, EAGAIN: 11, EBUSY: 16, ENOBUFS: 105 } as const;
