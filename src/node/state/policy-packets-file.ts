import { join } from 'node:path';
import { removeSaved, SavedFile } from './saved-file.js';

const pathIn = (stateDir: string): string => join(stateDir, 'policy-packets.json');

/** Packets by policy, of counters that the kernel no longer has. */
export const policyPacketsFile = (stateDir: string): SavedFile => new SavedFile(pathIn(stateDir));

export const removePolicyPackets = (stateDir: string): Promise<void> => removeSaved(pathIn(stateDir));
