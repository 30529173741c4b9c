import { readFile, writeFile } from 'node:fs/promises';

export type BridgeNetfilterMode = 'ensure' | 'check';

const settings = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'];

/**
 * Frames between pods on one bridge reach our rules only with these two settings, which belong to the network namespace.
 * Nothing announces that they are changed: ask often.
 * @param folder where the kernel shows them: `/proc/sys/net/bridge`, or where a container has it
 * @param onSet hears what was set
 * @returns what is wrong, or undefined when frames are seen
 */
export async function bridgeNetfilter(
  mode: BridgeNetfilterMode,
  folder: string,
  onSet: (setting: string) => void = () => undefined,
): Promise<string | undefined> {
  for (const setting of settings) {
    const path = `${folder}/${setting}`;
    try {
      if ((await readFile(path, 'utf8')).trim() === '1') continue;
      if (mode === 'check')
        return `net.bridge.${setting} is 0: policies do not hold between pods of one bridge (sysctl -w net.bridge.${setting}=1)`;
      await writeFile(path, '1');
      onSet(setting);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT')
        return 'br_netfilter is not loaded: policies do not hold between pods of one bridge (modprobe br_netfilter)';
      return `net.bridge.${setting} cannot be set (${code ?? String(error)}): policies do not hold between pods of one bridge`;
    }
  }
  return undefined;
}
