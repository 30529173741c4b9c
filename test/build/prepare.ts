/**
 * Installs what the demo and the packet tests need of the system, or says what is missing. `--required`: fail without.
 * `--image`: the seccomp profile that the image is tested under, too. `--cluster`: what only the long tests need, too.
 * `--shells`: the shells that complete our commands, and nothing else.
 */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { profilePackage } from './image/seccomp-filter.js';
import { provideUnpacked } from './packages/debian-packages.js';
import { missingBuilders, missingPackages, missingShells } from './packages/system-packages.js';
import { missingOldEtcd, provideOldEtcd } from './packages/old-etcd.js';

const aptGet = '/usr/bin/apt-get';

/** @param missing what is missing now, by name */
async function provide(missing: () => readonly string[]): Promise<boolean> {
  const packages = missing();
  if (packages.length === 0) return true;
  const names = packages.join(' ');
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  const command = `apt-get update && apt-get ${install.join(' ')}`;
  if (process.getuid?.() !== 0 || !existsSync(aptGet)) {
    console.error(`Missing system packages: ${names}. Install them as root, on Debian or Ubuntu with: ${command}`);
    return false;
  }
  console.log(`Installing missing system packages: ${names}`);
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, stdio: 'inherit', reject: false } as const;
  // Lists that cannot be refreshed may still be good enough to install from.
  await execa(aptGet, ['update', '-qq'], options);
  await execa(aptGet, install, options);
  const left = missing();
  if (left.length > 0)
    console.error(`These system packages could not be installed: ${left.join(' ')}. See: ${command}`);
  return left.length === 0;
}

const asked = (flag: string): boolean => process.argv.includes(flag);
if (!(await provide(asked('--shells') ? missingShells : missingPackages)) && asked('--required')) process.exitCode = 5;
// What is only looked at is fetched, and not installed.
if (asked('--image') && existsSync(aptGet) && !(await provideUnpacked(profilePackage)))
  console.error(`The seccomp profile of ${profilePackage} cannot be fetched: the image is tested without one.`);
if (asked('--cluster')) {
  if (!(await provideOldEtcd())) console.error(missingOldEtcd);
  await provide(missingBuilders);
}
