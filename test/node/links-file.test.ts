import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Address } from '../../src/model/address.js';
import type { LinkBinding } from '../../src/model/link-binding.js';
import { LinksFile } from '../../src/node/state/links-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podwall-links-'));
});
afterEach(() => rm(folder, { recursive: true }));

const path = (): string => join(folder, 'links.json');
const link: LinkBinding = {
  pod: { namespace: 'x', name: 'a' },
  podUid: 'uid-a',
  device: 'veth0',
  ifindex: 7,
  kind: 'routed',
  hardware: '02:00:00:00:00:01',
  addresses: ['10.244.1.11' as Address],
};

test('what was saved is loaded, with what a later release added', async () => {
  await new LinksFile(folder).save([link]);
  expect(await new LinksFile(folder).load()).toEqual([link]);
  const saved = JSON.parse(await readFile(path(), 'utf8')) as object;
  await writeFile(path(), JSON.stringify({ ...saved, links: [{ ...link, further: 1 }], further: 2 }));
  expect(await new LinksFile(folder).load()).toEqual([{ ...link, further: 1 }]);
});

test.each<[string, (saved: object) => string]>([
  ['another boot', (saved) => JSON.stringify({ ...saved, boot: 'another' })],
  ['another network namespace', (saved) => JSON.stringify({ ...saved, namespace: 'net:[1]' })],
  ['half of it', (saved) => JSON.stringify(saved).slice(0, 60)],
  ['another form', () => '[1]'],
  ['nothing', () => 'null'],
  ['a file without a bound', (saved) => JSON.stringify(saved) + ' '.repeat(17 * 1024 ** 2)],
  ['links in another form', (saved) => JSON.stringify({ ...saved, links: { 7: link } })],
  [
    'an address that is none',
    (saved) => JSON.stringify({ ...saved, links: [{ ...link, addresses: ['10.0.0.1; drop'] }] }),
  ],
  ['a device name that is none', (saved) => JSON.stringify({ ...saved, links: [{ ...link, device: 'a b{' }] })],
  ['a hardware address that is none', (saved) => JSON.stringify({ ...saved, links: [{ ...link, hardware: 'x' }] })],
  ['an index that is none', (saved) => JSON.stringify({ ...saved, links: [{ ...link, ifindex: 1.5 }] })],
  ['a link without an index', (saved) => JSON.stringify({ ...saved, links: [{ ...link, ifindex: undefined }] })],
])('%s: as if nothing had been saved', async (_, damage) => {
  await new LinksFile(folder).save([link]);
  await writeFile(path(), damage(JSON.parse(await readFile(path(), 'utf8')) as object));
  expect(await new LinksFile(folder).load()).toEqual([]);
});

test('a file that cannot be opened, and none', async () => {
  expect(await new LinksFile(folder).load()).toEqual([]);
  await mkdir(path());
  expect(await new LinksFile(folder).load()).toEqual([]);
});
