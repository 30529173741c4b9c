import { describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { agentPackages } from '../build/packages/system-packages.js';
import { readContainerfile } from '../build/image/containerfile.js';

const readJson = async (path: string): Promise<unknown> => JSON.parse(await readFile(path, 'utf8'));

describe('helm/Containerfile', () => {
  test('has the packages that the prerequisites check asks for an agent', async () => {
    expect([...(await readContainerfile()).packages].sort()).toEqual([...agentPackages].sort());
  });

  test('is labelled with the version and licence of package.json', async () => {
    const { version, license } = (await readJson('package.json')) as { version: string; license: string };
    expect((await readContainerfile()).labels).toMatchObject({
      'org.opencontainers.image.title': 'podwall',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.licenses': license,
    });
  });

  test('copies from the build only what the repository or its build has', async () => {
    const { copies } = await readContainerfile();
    const built = copies.filter(({ stage }) => stage === 'build').map(({ source }) => source.replace('/src/', ''));
    expect(built.filter((path) => path !== 'dist' && !existsSync(path))).toEqual([]);
    expect(built).toContain('dist');
  });

  test('has what is not bundled for both architectures: the lock file names them', async () => {
    const { packages } = (await readJson('package-lock.json')) as { packages: Record<string, unknown> };
    for (const architecture of ['x64', 'arm64'])
      expect(packages).toHaveProperty([`node_modules/@koromix/koffi-linux-${architecture}`]);
  });

  test('runs podwall, and asks it how it is', async () => {
    const { entrypoint, healthCheck, links } = await readContainerfile();
    expect(entrypoint).toEqual(['podwall']);
    expect(healthCheck).toEqual(['podwall', 'status']);
    expect(links).toContainEqual({ name: '/usr/local/bin/podwall', target: '/opt/podwall/dist/podwall.js' });
  });
});
