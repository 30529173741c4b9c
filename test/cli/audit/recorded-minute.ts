/** `podwall audit` over a recorded minute. */
import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { recordedMinute, type RecordedLog } from '../../audit/recorded-log.js';

const bundle = resolve(import.meta.dirname, '../../../dist/podwall.js');

export const audit = (command: string, ...args: readonly string[]) =>
  execa(process.execPath, [bundle, 'audit', command, ...args], { reject: false });

/** Its folder is gone when disposed. */
export class RecordedMinute implements AsyncDisposable {
  readonly folder: string;
  readonly log: RecordedLog;

  private constructor(folder: string, log: RecordedLog) {
    this.folder = folder;
    this.log = log;
  }

  static async record(): Promise<RecordedMinute> {
    const folder = await mkdtemp(join(tmpdir(), 'podwall-audit-'));
    return new RecordedMinute(folder, await recordedMinute(folder));
  }

  ask(command: string, ...args: readonly string[]) {
    return audit(command, '--log', this.folder, ...args);
  }

  async document(command: string, ...args: readonly string[]): Promise<unknown> {
    return JSON.parse((await this.ask(command, ...args, '-o', 'json')).stdout) as unknown;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}
