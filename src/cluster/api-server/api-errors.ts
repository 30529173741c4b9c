import { InputError } from '../../generic/input-error.js';

/** The server answered, and the answer is no; `message` is the server's own. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Nobody answered, or the answer broke off. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** What a command that asks once says of it: exit 2. Bugs stay what they are. */
export function refusalOf(error: unknown, { server }: { readonly server: string }, signal: AbortSignal): unknown {
  if (signal.aborted) return new InputError(`${server}: did not answer in time`);
  return error instanceof ApiError || error instanceof ConnectionError
    ? new InputError(`${server}: ${error.message}`)
    : error;
}
