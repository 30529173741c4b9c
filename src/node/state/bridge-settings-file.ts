import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../generic/message-of.js';
import { removeSaved, SavedFile } from './saved-file.js';

const pathIn = (stateDir: string): string => join(stateDir, 'bridge-settings.json');

/** Of the kernel that runs now: settings do not outlive it. Source: random(4). */
const bootId = (): Promise<string> => readFile('/proc/sys/kernel/random/boot_id', 'utf8');

interface SavedSettings {
  readonly boot: string;
  /** Where the kernel shows them. */
  readonly folder: string;
  readonly set: readonly string[];
}

/** The settings of bridges that agents have switched on since the machine was started, for `podwall uninstall`. */
export class BridgeSettingsFile {
  readonly #file: SavedFile;
  readonly #folder: string;
  readonly #set = new Set<string>();

  constructor(stateDir: string, folder: string) {
    this.#file = new SavedFile(pathIn(stateDir));
    this.#folder = folder;
  }

  /** Together with those of earlier runs. */
  async add(setting: string): Promise<void> {
    for (const one of (await savedIn(this.#file))?.set ?? []) this.#set.add(one);
    this.#set.add(setting);
    const saved: SavedSettings = { boot: await bootId(), folder: this.#folder, set: [...this.#set] };
    await this.#file.save(saved);
  }
}

async function savedIn(file: SavedFile): Promise<SavedSettings | undefined> {
  const saved = (await file.load()) as Partial<SavedSettings> | null | undefined;
  const isSaved = typeof saved?.folder === 'string' && Array.isArray(saved.set) && saved.boot === (await bootId());
  return isSaved ? (saved as SavedSettings) : undefined;
}

interface RestoredSetting {
  readonly setting: string;
  /** Why it is still on. */
  readonly problem?: string;
}

/** Switches off what agents have switched on. @returns the settings that were on until now */
export async function restoreBridgeSettings(stateDir: string): Promise<readonly RestoredSetting[]> {
  const saved = await savedIn(new SavedFile(pathIn(stateDir)));
  const restored: RestoredSetting[] = [];
  for (const setting of saved?.set ?? []) {
    const path = `${saved?.folder ?? ''}/${setting}`;
    try {
      if ((await readFile(path, 'utf8')).trim() !== '1') continue;
      await writeFile(path, '0');
      restored.push({ setting });
    } catch (error) {
      restored.push({ setting, problem: messageOf(error) });
    }
  }
  await removeSaved(pathIn(stateDir));
  return restored;
}
