/** The snapshots that the agent saved beside its log. */
import { dirname } from 'node:path';
import { SnapshotReader } from '../snapshots/snapshot-reader.js';
import { defaultLogDirectory, type LogFiles } from './log-files.js';

/** For a log from a pipe, those in the agent's default log directory. */
export const snapshotsBeside = ({ paths }: LogFiles): SnapshotReader =>
  new SnapshotReader(paths.length === 0 ? [defaultLogDirectory] : [...new Set(paths.map((path) => dirname(path)))]);
