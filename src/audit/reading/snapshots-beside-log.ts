/** The policies and identities that the agent keeps beside its log. */
import { dirname } from 'node:path';
import { SnapshotReader } from '../snapshots/snapshot-reader.js';
import { defaultLogDirectory, type LogFiles } from './log-files.js';

/** For a log that comes by a pipe they are looked for where the agent writes its own. */
export const snapshotsBeside = ({ paths }: LogFiles): SnapshotReader =>
  new SnapshotReader(paths.length === 0 ? [defaultLogDirectory] : [...new Set(paths.map((path) => dirname(path)))]);
