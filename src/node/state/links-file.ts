import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAddress } from '../../model/address.js';
import { isHardwareAddress } from '../../model/attachment.js';
import type { LinkBinding } from '../../model/link-binding.js';
import { removeSaved, SavedFile } from './saved-file.js';

const pathIn = (stateDir: string): string => join(stateDir, 'links.json');

/** Twenty times what a thousand pods take, which is more than a node can have. */
const maxBytes = 16 * 1024 ** 2;

/** Indexes of links mean something within one boot and one network namespace. */
interface SavedLinks {
  readonly boot: string;
  readonly namespace: string;
  readonly links: readonly LinkBinding[];
}

/** Whose the links of this node are, for the next agent. Earlier releases do not read it. */
export class LinksFile {
  readonly #file: SavedFile;

  constructor(stateDir: string) {
    this.#file = new SavedFile(pathIn(stateDir), maxBytes);
  }

  /** Empty when there is none that can be read, or none of this boot: then the guards in the kernel say it. */
  async load(): Promise<readonly LinkBinding[]> {
    const [saved, { boot, namespace }] = await Promise.all([this.#file.load().catch(() => undefined), here()]);
    const { boot: ofBoot, namespace: ofNamespace, links } = (saved ?? {}) as Partial<SavedLinks>;
    if (ofBoot !== boot || ofNamespace !== namespace || !Array.isArray(links)) return [];
    const found: readonly unknown[] = links;
    return found.every(isBinding) ? found : [];
  }

  async save(links: readonly LinkBinding[]): Promise<void> {
    await this.#file.save({ ...(await here()), links });
  }
}

export const removeLinks = (stateDir: string): Promise<void> => removeSaved(pathIn(stateDir));

const here = async (): Promise<Omit<SavedLinks, 'links'>> => ({
  boot: (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim(),
  namespace: await readlink('/proc/self/ns/net'),
});

/** Written by a later release, it may have further fields. What nft would refuse is none: one such link would fail all. */
function isBinding(value: unknown): value is LinkBinding {
  const { pod, podUid, device, ifindex, kind, bridge, hardware, addresses } = (value ?? {}) as Partial<LinkBinding>;
  return (
    [pod?.namespace, pod?.name, podUid, bridge ?? ''].every((text) => typeof text === 'string') &&
    typeof device === 'string' &&
    deviceName.test(device) &&
    Number.isInteger(ifindex) &&
    (kind === 'routed' || kind === 'bridged') &&
    (hardware === undefined || (typeof hardware === 'string' && isHardwareAddress(hardware))) &&
    Array.isArray(addresses) &&
    addresses.every((address: unknown) => typeof address === 'string' && parseAddress(address) === address)
  );
}

/** As Linux allows it. */
const deviceName = /^[^\s/:]{1,15}$/;
