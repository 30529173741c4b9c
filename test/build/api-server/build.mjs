// Builds a kube-apiserver and an etcd of our own, once, into the user's cache (about ten minutes on two cores).
// `--if-missing`: unless there are such programs already. Needs a Go as new as the modules ask for.
import { execa } from 'execa';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { binaryFolder, findBinaries } from './binaries.mjs';

const found = await findBinaries();
if (process.argv.includes('--if-missing') && found !== undefined) console.error(`kube-apiserver and etcd: ${found}`);
else await build();

async function build() {
  const { exitCode } = await execa('go', ['version'], { reject: false });
  if (exitCode !== 0) {
    console.error('kube-apiserver cannot be built: no Go here');
    process.exitCode = 5;
    return;
  }
  const folder = await binaryFolder();
  await mkdir(folder, { recursive: true });
  for (const name of ['etcd', 'kube-apiserver']) {
    const cwd = join(import.meta.dirname, name);
    console.error(`building ${name} into ${folder} ...`);
    await execa('go', ['build', '-ldflags', '-s -w', '-o', join(folder, name), '.'], { cwd, stdio: 'inherit' });
  }
}
