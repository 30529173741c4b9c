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

/** The shells that complete our commands; bash is everywhere. */
const neededToComplete = [
  { files: ['/usr/bin/zsh', '/bin/zsh'], package: 'zsh' },
  { files: ['/usr/bin/fish', '/usr/local/bin/fish'], package: 'fish' },
];

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
export const missingShells = (): string[] => missingOf(neededToComplete);
export const missingBuilders = (): string[] => missingOf(neededToBuild);
