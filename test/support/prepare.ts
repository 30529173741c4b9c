/**
 * Installs what the demo and the packet tests need of the system, or says what is missing. `--required`: fail without.
 * `--cluster`: what only the tests on a real API server need, too.
 */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { profilePackage } from '../helm/seccomp.js';
import { provideUnpacked } from './debian-packages.js';
import { missingPackages } from './lab/packages.js';
import { missingOldEtcd, provideOldEtcd } from './old-etcd.js';

const aptGet = '/usr/bin/apt-get';

async function provide(packages: readonly string[]): Promise<boolean> {
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
  const left = missingPackages();
  if (left.length > 0)
    console.error(`These system packages could not be installed: ${left.join(' ')}. See: ${command}`);
  return left.length === 0;
}

const missing = missingPackages();
if (missing.length > 0 && !(await provide(missing)) && process.argv.includes('--required')) process.exitCode = 5;
// What is only looked at is fetched, and not installed.
if (existsSync(aptGet) && !(await provideUnpacked(profilePackage)))
  console.error(`The seccomp profile of ${profilePackage} cannot be fetched: the image is tested without one.`);
if (process.argv.includes('--cluster') && !(await provideOldEtcd())) console.error(missingOldEtcd);
