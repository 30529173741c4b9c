/** The user's input is at fault: exit 2, no stack trace. */
export class InputError extends Error {
  override readonly name = 'InputError';
}
