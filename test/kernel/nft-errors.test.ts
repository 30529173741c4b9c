/** What nft says, and what that means: only a line of the transaction itself may be at fault. */
import { expect, test } from '@jest/globals';
import { isNoTable, nftErrorFrom } from '../../src/kernel/nft/nft-errors.js';
import { isBlame, isRefusal, type NftError } from '../../src/nftables/language/nftables.js';

const kernel = (message: string): string =>
  `/tmp/x/transaction:1:12-20: Error: Could not process rule: ${message}\nadd element inet podwall a { 1.2.3.4 }\n            ^^^^^^^`;

test.each<[string, NftError['reason'], string]>([
  ['a name that is not there', 'refused', kernel('No such file or directory')],
  ['a value that the kernel does not take', 'refused', kernel('Invalid argument')],
  ['a line that is none', 'refused', 'Error: syntax error, unexpected newline\nadd elephant\n   ^'],
  ['something in use', 'in-use', kernel('Device or resource busy')],
  ['no room for the answer', 'failed', kernel('No buffer space available')],
  ['a call that was interrupted', 'failed', kernel('Interrupted system call')],
  ['no memory', 'failed', kernel('Cannot allocate memory')],
  ['an error of netlink itself', 'failed', 'netlink: Error: Could not process rule: Invalid argument'],
  ['nothing', 'failed', ''],
  ['a crash', 'failed', 'nft crashed (SIGSEGV)\n'],
  ['half a message', 'failed', 'rror: Could not process ru'],
  ['a warning', 'failed', 'Warning: table is managed by another program'],
  ['what it could not read at its start', 'failed', 'Error: cache initialization failed: No buffer space available'],
  ['too much', 'failed', kernel('Message too long')],
  ['no right', 'not-permitted', 'Operation not permitted (you must be root)'],
  ['no module', 'no-kernel-support', 'Unable to initialize Netlink socket: Protocol not supported'],
])('%s: %s', (_, reason, text) => {
  const error = nftErrorFrom(text);
  expect(error.reason).toBe(reason);
  expect(isBlame(error)).toBe(reason === 'refused');
  expect(isRefusal(error)).toBe(reason === 'refused' || reason === 'in-use');
});

test('that there is no table is said of what is listed only', () => {
  expect(isNoTable('Error: No such file or directory\nlist table inet podwall')).toBe(true);
  expect(isNoTable('nft: error while loading shared libraries: No such file or directory')).toBe(false);
});
