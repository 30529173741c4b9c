import { readFileSync } from 'node:fs';

interface ConntrackUse {
  readonly entries: number;
  /** New flows beyond it are dropped by the kernel, whoever's they are. */
  readonly limit: number;
}

/**
 * Of this network namespace.
 * @param folder where the kernel shows it
 * @returns undefined where conntrack is not loaded
 */
export function conntrackUse(folder = '/proc/sys/net/netfilter'): ConntrackUse | undefined {
  const read = (name: string): number => Number(readFileSync(`${folder}/${name}`, 'utf8'));
  try {
    return { entries: read('nf_conntrack_count'), limit: read('nf_conntrack_max') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
