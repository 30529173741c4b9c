/** Which namespaces' snapshots were removed because they were past their bound: records of them cannot be explained. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { folderNames, type SnapshotKind } from './snapshot-files.js';

/** How many were removed, by namespace. */
type SnapshotRemovals = Readonly<Record<string, number>>;

export const removalsPath = (logDirectory: string, kind: SnapshotKind): string =>
  join(logDirectory, folderNames[kind], 'removed.json');

/** None where there is no such file, or none that can be read. */
export function readRemovals(logDirectory: string, kind: SnapshotKind): SnapshotRemovals {
  try {
    const read: unknown = JSON.parse(readFileSync(removalsPath(logDirectory, kind), 'utf8'));
    return typeof read === 'object' && read !== null ? (read as SnapshotRemovals) : {};
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined && !(error instanceof SyntaxError)) throw error;
    return {};
  }
}
