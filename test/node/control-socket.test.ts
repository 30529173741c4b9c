import { describe, expect, test } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  agentAnswers,
  askAgent,
  serveControl,
  socketPath,
  StateDirInUse,
  type AgentStatus,
} from '../../src/node/control-socket.js';
import { readStateFile, StateFile } from '../../src/node/state/state-file.js';
import { InputError } from '../../src/generic/input-error.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podwall-state-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const parts = (clock = new ManualClock(), lines: object[] = []) => {
  const write = (fields: object, message: string): void => void lines.push({ ...fields, message });
  return { clock, log: { info: write, warn: write, error: write, debug: write } };
};
const handlers = { status: () => ({ revision: 7 }), stop: () => ({ stopping: true }) };

describe('the control socket', () => {
  test('answers a running agent’s status', () =>
    inFolder(async (folder) => {
      const control = await serveControl(folder, handlers, parts());
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await control[Symbol.asyncDispose]();
      expect(await askAgent(folder, 'status')).toBeUndefined();
    }));

  test('a folder that serves a running agent is refused to a second one', () =>
    inFolder(async (folder) => {
      const control = await serveControl(folder, handlers, parts());
      await expect(serveControl(folder, handlers, parts())).rejects.toThrow(StateDirInUse);
      await control[Symbol.asyncDispose]();
    }));

  test('a socket that a killed agent left is taken over', () =>
    inFolder(async (folder) => {
      await writeFile(socketPath(folder), '');
      const control = await serveControl(folder, handlers, parts());
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await control[Symbol.asyncDispose]();
    }));

  test('a folder that is deleted is made anew, with the socket', () =>
    inFolder(async (parent) => {
      const folder = join(parent, 'state');
      const clock = new ManualClock();
      const control = await serveControl(folder, handlers, parts(clock));
      await rm(folder, { recursive: true });
      clock.advance(1_000);
      await until(async () => (await askAgent(folder, 'status')) !== undefined);
      await control[Symbol.asyncDispose]();
      expect(await askAgent(folder, 'status')).toBeUndefined();
    }));

  test('a dangling link and an empty folder in its place make room', () =>
    inFolder(async (folder) => {
      await symlink(join(folder, 'nowhere'), socketPath(folder));
      const control = await serveControl(folder, handlers, parts());
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await control[Symbol.asyncDispose]();
      await mkdir(socketPath(folder));
      const another = await serveControl(folder, handlers, parts());
      expect(await askAgent(folder, 'status')).toEqual({ revision: 7 });
      await another[Symbol.asyncDispose]();
    }));

  test('what cannot make room is logged at first and at each doubling, then that it is over', () =>
    inFolder(async (folder) => {
      await mkdir(join(socketPath(folder), 'full'), { recursive: true });
      const [clock, lines] = [new ManualClock(), [] as { failures?: number; message: string }[]];
      const control = await serveControl(folder, handlers, parts(clock, lines));
      for (let seconds = 0; (lines.at(-1)?.failures ?? 0) < 8; seconds += 1) {
        clock.advance(1_000);
        await new Promise((resolve) => setImmediate(resolve));
        expect(seconds).toBeLessThan(100_000);
      }
      expect(lines.map(({ failures }) => failures)).toEqual([1, 2, 4, 8]);
      expect(await askAgent(folder, 'status')).toBeUndefined();
      await rm(socketPath(folder), { recursive: true });
      await until(async () => {
        clock.advance(1_000);
        return (await askAgent(folder, 'status')) !== undefined;
      });
      expect(lines.at(-1)?.message).toBe('the socket in the state folder is there');
      await control[Symbol.asyncDispose]();
    }));

  test('a path that is too long for a socket is the user’s to shorten', () => {
    expect(() => socketPath(`/${'x'.repeat(100)}`)).toThrow(InputError);
    expect(socketPath(`/${'x'.repeat(95)}`)).toHaveLength(107);
  });

  test('another program that answers there is an error, not a crash', () =>
    inFolder(async (folder) => {
      const server = createServer((connection) => connection.end('hello\n'));
      await new Promise<void>((resolve) => server.listen(socketPath(folder), resolve));
      await expect(askAgent(folder, 'status')).rejects.toThrow('is no agent');
      expect(await agentAnswers(folder)).toBe(false);
      server.close();
    }));
});

test.each([
  ['cut off', '{"revision": 7, "poli'],
  ['empty', ''],
  ['null', 'null'],
  ['a list', '[]'],
  ['of another shape', '{"revision": "x"}'],
])('a state file that is %s is no state, and it is said why', (_, text) =>
  inFolder(async (folder) => {
    await writeFile(join(folder, 'state.json'), text);
    const problems: string[] = [];
    expect(await readStateFile(folder, (message) => problems.push(message))).toBeUndefined();
    expect(problems).toEqual([expect.stringContaining('state.json cannot be read: ')]);
  }),
);

test('a state file is written again when its folder was deleted', () =>
  inFolder(async (parent) => {
    const file = new StateFile(join(parent, 'deleted'), parts().log);
    file.write(() => ({ revision: 1 }) as AgentStatus);
    await file.settled();
    expect(JSON.parse(await readFile(join(parent, 'deleted', 'state.json'), 'utf8'))).toEqual({ revision: 1 });
  }));

test('a state file that cannot be written is logged at first and at each doubling, then that it is over', () =>
  inFolder(async (folder) => {
    await mkdir(join(folder, 'state.json'));
    const lines: { failures?: number; message: string }[] = [];
    const file = new StateFile(folder, parts(new ManualClock(), lines).log);
    await file.settled();
    for (let count = 0; count < 9; count += 1) {
      file.write(() => ({ revision: count }) as AgentStatus);
      await file.settled();
    }
    expect(lines.map(({ failures }) => failures)).toEqual([1, 2, 4, 8]);
    await rm(join(folder, 'state.json'), { recursive: true });
    file.write(() => ({ revision: 10 }) as AgentStatus);
    await file.settled();
    expect(lines.at(-1)).toEqual({ failures: 9, message: 'the state file is written again' });
  }));

test('of many states written at once the last one is on disk, and the others are not even made', () =>
  inFolder(async (folder) => {
    const file = new StateFile(folder, parts().log);
    let [revision, made] = [0, 0];
    const status = (): AgentStatus => {
      made += 1;
      return { revision } as AgentStatus;
    };
    for (; revision < 20; revision += 1) file.write(status);
    await until(async () => (await readStateFile(folder))?.revision === 20);
    for (; revision < 40; revision += 1) {
      file.write(status);
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
