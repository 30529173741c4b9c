/**
 * `npm run test:nft -- RELEASE [ARGUMENTS OF JEST]`: the tests on real packets with the nft of another release of Debian,
 * by default all of them.
 */
import { execa } from 'execa';
import { nftReleases, provideNft } from './packages/nft-releases.js';

const [asked, ...rest] = process.argv.slice(2);
const release = nftReleases.find((name) => name === asked);
const programs = release === undefined ? undefined : await provideNft(release);
if (release === undefined) {
  console.error(`usage: npm run test:nft -- ${nftReleases.join(' | ')} [arguments of jest]`);
  process.exitCode = 2;
} else if (programs === undefined) process.exitCode = 5;
else {
  const args = rest.length === 0 ? ['--selectProjects', 'kernel'] : rest;
  const env = { PATH: `${programs}:${process.env['PATH'] ?? ''}` };
  const { exitCode } = await execa('node', ['test/jest/run.mjs', ...args], { env, stdio: 'inherit', reject: false });
  process.exitCode = exitCode ?? 1;
}
