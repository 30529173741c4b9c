/**
 * Where snapshots are: beside the log, policy sets in `snapshots/` and pod identities in `identities/`, one file each. Its
 * name says what it holds, and the namespace that caused it; earlier releases did not say the latter.
 */
import { join } from 'node:path';
import type { ContentId } from './content-id.js';

export const folderNames = { policies: 'snapshots', identity: 'identities' } as const;
export type SnapshotKind = keyof typeof folderNames;

export interface SnapshotFile {
  readonly id: ContentId;
  /** A namespace; empty where it is not known. */
  readonly owner: string;
}

export const pathOf = (logDirectory: string, kind: SnapshotKind, { id, owner }: SnapshotFile): string =>
  join(logDirectory, folderNames[kind], `${id.replace(':', '-')}${owner === '' ? '' : `.${owner}`}.json.gz`);

/** Undefined for a name that {@link pathOf} does not give. */
export function parseFileName(name: string): SnapshotFile | undefined {
  const [, digest, owner = ''] = /^sha256-([0-9a-f]{64})(?:\.([a-z0-9-]+))?\.json\.gz$/.exec(name) ?? [];
  return digest === undefined ? undefined : { id: `sha256:${digest}`, owner };
}

export const isContentId = (id: string): boolean => /^sha256:[0-9a-f]{64}$/.test(id);
