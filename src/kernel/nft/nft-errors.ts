import { NftError } from '../../nftables/language/nftables.js';

/** nft's message as a typed error; where the machine is the reason, it says what the user can do. */
export function nftErrorFrom(stderr: string, cause?: unknown): NftError {
  const text = stderr.trim();
  const options = cause === undefined ? {} : { cause };
  if (/Operation not permitted|Permission denied|must be root/i.test(text))
    return new NftError(
      'not-permitted',
      `nft may not change this network namespace: run as root, or with CAP_NET_ADMIN (${firstLine(text)})`,
      options,
    );
  if (/Protocol not supported|cache initialization failed|Unable to initialize Netlink/i.test(text))
    return new NftError(
      'no-kernel-support',
      `this kernel has no nf_tables: load the module or use a kernel that has it (${firstLine(text)})`,
      options,
    );
  if (/Message too long/i.test(text))
    return new NftError('failed', `the transaction is too large for the kernel (${firstLine(text)})`, options);
  return new NftError('refused', text === '' ? 'nft failed without a message' : text, options);
}

/** What is listed is not there. Of a library or a program that is missing, nft's own `Error:` is not said. */
export const isNoTable = (stderr: string): boolean => /^(?:\S+: )?Error: No such file or directory/m.test(stderr);

export const nftMissing = (cause: unknown): NftError =>
  new NftError('missing', 'nft is not installed: apt-get install nftables (1.0.1 or newer)', { cause });

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
