import { InputError } from '../../generic/input-error.js';
import { StateDirInUse } from '../../node/control-socket.js';
import { NftError } from '../../nftables/language/nftables.js';

/** Every command's exit codes. */
export const exitCode = {
  done: 0,
  no: 1,
  usage: 2,
  nothing: 3,
  partial: 4,
  machine: 5,
} as const;

/** The user's fault or the machine's: a sentence and an exit code. Anything else is a bug and keeps its stack. */
export function explainFailure(error: unknown): { code: number; message: string } | undefined {
  if (error instanceof InputError || error instanceof StateDirInUse || error instanceof UsageError)
    return { code: exitCode.usage, message: error.message };
  if (error instanceof NftError) return { code: exitCode.machine, message: error.message };
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof Error && (code === 'EACCES' || code === 'EPERM' || code === 'EROFS'))
    return { code: exitCode.machine, message: `${error.message}: run as root, or choose another --state-dir` };
  return undefined;
}

/** An option that cannot be used like this. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
