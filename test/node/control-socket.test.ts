import { describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askAgent, serveControl, socketPath, StateDirInUse, type AgentStatus } from '../../src/node/control-socket.js';
import { readStateFile, StateFile } from '../../src/node/state/state-file.js';

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

test('of many states written at once the last one is on disk', () =>
  inFolder(async (folder) => {
    const file = new StateFile(folder);
    for (let revision = 0; revision < 20; revision += 1)
      file.write({ revision } as AgentStatus, (error) => {
        throw error;
      });
    await file.settled();
    expect(await readStateFile(folder)).toEqual({ revision: 19 });
  }));

test('no state file is no state', () =>
  inFolder(async (folder) => {
    expect(await readStateFile(folder)).toBeUndefined();
  }));
