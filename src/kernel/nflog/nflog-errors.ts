export type NflogReason = 'group-in-use' | 'failed';

/** Why logged packets cannot be received; enforcement does not depend on it. */
export class NflogError extends Error {
  readonly reason: NflogReason;

  constructor(reason: NflogReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NflogError';
    this.reason = reason;
  }
}
