import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askAgent, serveControl, socketPath, StateDirInUse, type AgentStatus } from '../../src/node/control-socket.js';
import { readStateFile, StateFile } from '../../src/node/state/state-file.js';
import { until } from '../support/until.js';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-state-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const handlers = { status: () => ({ revision: 7 }), stop: () => ({ stopping: true }) };

describe('the control socket', () => {
  test('answers a running agent’s status', () =>
    inFolder(async (folder) => {
      const control = await serveControl(folder, handlers);
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await control[Symbol.asyncDispose]();
      expect(await askAgent(folder, 'status')).toBeUndefined();
    }));

  test('a folder that serves a running agent is refused to a second one', () =>
    inFolder(async (folder) => {
      const control = await serveControl(folder, handlers);
      await expect(serveControl(folder, handlers)).rejects.toThrow(StateDirInUse);
      await control[Symbol.asyncDispose]();
    }));

  test('a socket that a killed agent left is taken over', () =>
    inFolder(async (folder) => {
      await writeFile(socketPath(folder), '');
      const control = await serveControl(folder, handlers);
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await control[Symbol.asyncDispose]();
    }));
});

test('of many states written at once the last one is on disk, and the others are not even made', () =>
  inFolder(async (folder) => {
    const file = new StateFile(folder);
    let [revision, made] = [0, 0];
    const status = (): AgentStatus => {
      made += 1;
      return { revision } as AgentStatus;
    };
    const fail = (error: unknown): never => {
      throw error;
    };
    for (; revision < 20; revision += 1) file.write(status, fail);
    await until(async () => (await readStateFile(folder))?.revision === 20);
    for (; revision < 40; revision += 1) {
      file.write(status, fail);
      await Promise.resolve();
    }
    expect(made).toBe(1);
    await file.settled();
    expect(await readStateFile(folder)).toEqual({ revision: 40 });
    expect(made).toBe(2);
  }));

test('no state file is no state', () =>
  inFolder(async (folder) => {
    expect(await readStateFile(folder)).toBeUndefined();
  }));
