/** What the agent's table holds in the kernel, by kind. */
import { execa } from 'execa';
import { countObjects, type KernelObjects } from './object-counts.js';

/** Milliseconds for the listing: nft prints a million elements in less. */
const within = 30_000;

/** Undefined when nft does not list it in time. */
export async function kernelObjectsOf(netns: string): Promise<KernelObjects | undefined> {
  const args = ['netns', 'exec', netns, 'nft', '-j', 'list', 'table', 'inet', 'podwall'];
  const { stdout, exitCode } = await execa('ip', args, { reject: false, timeout: within, maxBuffer: 2 ** 29 });
  return exitCode === 0 ? countObjects(stdout) : undefined;
}
