/** What was stored beside the logs that are read. */
import { dirname } from 'node:path';
import { SnapshotReader } from '../../audit/snapshots/snapshots.js';
import { defaultLogDirectory, type LogFiles } from './log-paths.js';

/** What comes by a pipe is looked for where the agent stores. */
export const storedBeside = ({ paths }: LogFiles): SnapshotReader =>
  new SnapshotReader(paths.length === 0 ? [defaultLogDirectory] : [...new Set(paths.map((path) => dirname(path)))]);
