/** What packets need of this machine. */
import { execaSync } from 'execa';
import { existsSync } from 'node:fs';
import { missingPackages } from '../../build/packages/system-packages.js';

export const pluginFolder = (): string => (existsSync('/usr/lib/cni/bridge') ? '/usr/lib/cni' : '/opt/cni/bin');

/** Why packets cannot be tested here, in a sentence; undefined when they can. */
export function missingForPackets(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  const packages = missingPackages();
  if (packages.length > 0) return `needs apt-get install ${packages.join(' ')}`;
  const trial = execaSync('unshare', ['-n', 'sh', '-c', 'ip link add type veth && nft add table inet podwall-trial'], {
    reject: false,
  });
  return trial.exitCode === 0
    ? undefined
    : `needs network namespaces, veth and nf_tables: ${trial.stderr.split('\n')[0] ?? ''}`;
}
