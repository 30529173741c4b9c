/** `podwall audit` over a recorded minute. */
import { afterAll, beforeAll, jest } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordedMinute } from '../../audit/recorded-log.js';
import { bundle } from '../../support/product.js';

export const audit = (command: string, ...args: readonly string[]) =>
  execa(process.execPath, [bundle, 'audit', command, ...args], { reject: false });

export interface RecordedMinute {
  readonly folder: string;
  /** Of its records, in their order. */
  readonly ids: readonly string[];
  readonly ask: (command: string, ...args: readonly string[]) => ReturnType<typeof audit>;
  readonly document: (command: string, ...args: readonly string[]) => Promise<unknown>;
}

/** One for all tests of a file; it is gone after the last. */
export function useRecordedMinute(): RecordedMinute {
  jest.setTimeout(60_000);
  const minute: { folder: string; ids: readonly string[] } = { folder: '', ids: [] };
  beforeAll(async () => {
    minute.folder = await mkdtemp(join(tmpdir(), 'podwall-audit-'));
    minute.ids = (await recordedMinute(minute.folder)).ids;
  });
  afterAll(() => rm(minute.folder, { recursive: true }));
  const ask = (command: string, ...args: readonly string[]) => audit(command, '--log', minute.folder, ...args);
  const document = async (command: string, ...args: readonly string[]): Promise<unknown> =>
    JSON.parse((await ask(command, ...args, '-o', 'json')).stdout) as unknown;
  return Object.assign(minute, { ask, document });
}
