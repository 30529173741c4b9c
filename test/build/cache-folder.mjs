import { homedir } from 'node:os';
import { join } from 'node:path';

/** A folder of ours in the user's cache, for programs that are built or unpacked once. */
export const cacheFolder = (name) => join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'podwall', name);
