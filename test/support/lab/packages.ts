import { execaSync } from 'execa';
import { existsSync } from 'node:fs';

/** What is needed of the machine: the file that shows it is there, and the package that brings it. */
const neededByAgent = [
  { files: ['/usr/sbin/nft', '/sbin/nft', '/usr/bin/nft'], package: 'nftables' },
  { files: ['/usr/sbin/ip', '/sbin/ip', '/usr/bin/ip'], package: 'iproute2' },
  // nft asks libc what number `tcp` is.
  { files: ['/etc/protocols'], package: 'netbase' },
];
const neededByLab = [
  { files: ['/usr/sbin/conntrack', '/usr/bin/conntrack'], package: 'conntrack' },
  { files: ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'], package: 'containernetworking-plugins' },
  { files: ['/usr/sbin/capsh', '/sbin/capsh'], package: 'libcap2-bin' },
];
const needed = [...neededByAgent, ...neededByLab];

/** Only the long tests build the image. */
const neededToBuild = [
  { files: ['/usr/bin/buildah'], package: 'buildah' },
  { files: ['/usr/bin/mmdebstrap'], package: 'mmdebstrap' },
];

/** What an agent needs, and the image therefore has. */
export const agentPackages: readonly string[] = neededByAgent.map((one) => one.package);

type Need = (typeof needed)[number];
const missingOf = (needs: readonly Need[]): string[] =>
  needs.filter(({ files }) => !files.some((file) => existsSync(file))).map((one) => one.package);

export const missingPackages = (): string[] => missingOf(needed);
export const missingBuilders = (): string[] => missingOf(neededToBuild);

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
