// Builds a kube-apiserver and an etcd of our own, once, into the user's cache (about ten minutes on two cores).
import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryFolder } from './binaries.mjs';

const folder = await binaryFolder();
await mkdir(folder, { recursive: true });
for (const name of ['etcd', 'kube-apiserver']) {
  const cwd = join(import.meta.dirname, name);
  console.error(`building ${name} into ${folder} ...`);
  await execa('go', ['build', '-ldflags', '-s -w', '-o', join(folder, name), '.'], { cwd, stdio: 'inherit' });
}
