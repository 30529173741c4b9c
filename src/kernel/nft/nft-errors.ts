import { NftError } from '../../nftables/language/nftables.js';

/** Errors of the kernel that say nothing about a transaction: the same one may be taken a moment later. errno(3) */
const passing =
  /No buffer space available|Interrupted system call|Cannot allocate memory|Resource temporarily unavailable|Too many open files|No space left on device|Input\/output error|Connection refused|Bad file descriptor|cache initialization failed|Could not receive tables/i;

/** nft's complaint about a line that it was given: `FILE:1:5-9: Error: …`, and on its command line `Error: …`. */
const complaint = /^(?:\S+:\d+:\d+-\d+: )?Error: .*$/m;

/**
 * nft's message as a typed error; where the machine is the reason, it says what the user can do. Only what is said of a line
 * of the transaction is a refusal. After anything else it is not known what the kernel has taken.
 */
export function nftErrorFrom(stderr: string, cause?: unknown): NftError {
  const text = stderr.trim();
  const options = cause === undefined ? {} : { cause };
  if (/Operation not permitted|Permission denied|must be root/i.test(text))
    return new NftError(
      'not-permitted',
      `nft may not change this network namespace: run as root, or with CAP_NET_ADMIN (${firstLine(text)})`,
      options,
    );
  if (/Protocol not supported|Unable to initialize Netlink/i.test(text))
    return new NftError(
      'no-kernel-support',
      `this kernel has no nf_tables: load the module or use a kernel that has it (${firstLine(text)})`,
      options,
    );
  if (/Message too long/i.test(text))
    return new NftError('failed', `the transaction is too large for the kernel (${firstLine(text)})`, options);
  const found = complaint.exec(text)?.[0];
  if (found !== undefined && /Device or resource busy/i.test(found)) return new NftError('in-use', text, options);
  if (found !== undefined && !passing.test(found)) return new NftError('refused', text, options);
  return new NftError('failed', text === '' ? 'nft failed without a message' : text, options);
}

/** What is listed is not there. Of a library or a program that is missing, nft's own `Error:` is not said. */
export const isNoTable = (stderr: string): boolean => /^(?:\S+: )?Error: No such file or directory/m.test(stderr);

export const nftMissing = (cause: unknown): NftError =>
  new NftError('missing', 'nft is not installed: apt-get install nftables (1.0.1 or newer)', { cause });

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
