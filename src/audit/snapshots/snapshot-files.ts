/** Where snapshots are: beside the log, policy sets in `snapshots/` and pod identities in `identities/`, one file each. */
import { join } from 'node:path';
import type { ContentId } from './content-id.js';

export const folderNames = { policies: 'snapshots', identity: 'identities' } as const;
export type SnapshotKind = keyof typeof folderNames;

export const pathOf = (logDirectory: string, kind: SnapshotKind, id: ContentId): string =>
  join(logDirectory, folderNames[kind], `${id.replace(':', '-')}.json.gz`);

/** Undefined for a name that {@link pathOf} does not give. */
export function idOfFile(name: string): ContentId | undefined {
  const [, digest] = /^sha256-([0-9a-f]{64})\.json\.gz$/.exec(name) ?? [];
  return digest === undefined ? undefined : `sha256:${digest}`;
}

export const isContentId = (id: string): boolean => /^sha256:[0-9a-f]{64}$/.test(id);
