/** Installs what the demo and the packet tests need of the system, or says what is missing. `--required`: fail without. */
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { missingPackages } from './lab/packages.js';

const missing = missingPackages();
if (missing.length > 0) {
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log(`Installing missing system packages: ${missing.join(' ')}`);
    const environment = { env: { DEBIAN_FRONTEND: 'noninteractive' }, stdio: 'inherit' } as const;
    await execa('apt-get', ['update', '-qq'], environment);
    await execa('apt-get', command.split(' ').slice(1), environment);
  } else {
    console.error(`Missing system packages: ${missing.join(' ')}. Install them as root: ${command}`);
    if (process.argv.includes('--required')) process.exitCode = 5;
  }
}
