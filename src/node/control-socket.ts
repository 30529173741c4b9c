import { lstat, mkdir, rm, rmdir } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { FailureStreak } from '../generic/failure-streak.js';
import { InputError } from '../generic/input-error.js';
import { unlessMissing } from '../generic/unless-missing.js';
import type { Clock } from '../reconciler/clock.js';
import type { ReconcilerLog, ReconcilerStatus } from '../reconciler/types.js';

/** What `podwall status` shows of a running agent. */
export interface AgentStatus extends ReconcilerStatus {
  readonly agent: 'running';
  readonly node: string;
  readonly pid: number;
  readonly version: string;
}

type ControlRequest = 'status' | 'stop';
type Handlers = Readonly<Record<ControlRequest, () => unknown>>;

/** Bytes. Source: unix(7), sun_path with the zero at its end. */
const longestPath = 107;

/** @throws InputError when the path is longer than that of a socket may be */
export function socketPath(stateDir: string): string {
  const path = join(stateDir, 'agent.sock');
  if (Buffer.byteLength(path) > longestPath)
    throw new InputError(`--state-dir ${stateDir}: too long for a socket in it (${longestPath} bytes with agent.sock)`);
  return path;
}

/** The state folder serves another agent, in another network namespace: the user must give each its own. */
export class StateDirInUse extends Error {
  override readonly name = 'StateDirInUse';
}

/** Milliseconds between two looks at the socket: the folder may have been deleted, or become writable. */
const looksEvery = 1_000;
/** Milliseconds that an agent may take to answer; whoever holds the socket at our start does not delay enforcement. */
const answersWithin = { usually: 5_000, atStart: 1_000 };

interface ControlParts {
  readonly clock: Clock;
  readonly log: ReconcilerLog;
}

/**
 * Answers requests of one word a line with one line of JSON, on `agent.sock` in the state folder. Where the socket cannot be
 * made, or is deleted, it is made as soon as that is possible: enforcement does not wait for it.
 * @throws StateDirInUse when another agent answers there
 */
export async function serveControl(
  stateDir: string,
  handlers: Handlers,
  parts: ControlParts,
): Promise<AsyncDisposable> {
  const control = new ControlSocket(stateDir, handlers, parts);
  await control.start();
  return control;
}

class ControlSocket implements AsyncDisposable {
  readonly #stateDir: string;
  readonly #path: string;
  readonly #handlers: Handlers;
  readonly #clock: Clock;
  readonly #streak: FailureStreak;
  #server: Server | undefined;
  /** Of our socket. */
  #inode: number | undefined;
  #timer: Disposable | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isDisposed = false;

  constructor(stateDir: string, handlers: Handlers, { clock, log }: ControlParts) {
    this.#stateDir = stateDir;
    this.#path = socketPath(stateDir);
    this.#handlers = handlers;
    this.#clock = clock;
    this.#streak = new FailureStreak(log, {
      failed: 'no socket in the state folder; the agent enforces all the same',
      over: 'the socket in the state folder is there',
    });
  }

  async start(): Promise<void> {
    try {
      await this.#listen();
    } catch (error) {
      if (error instanceof StateDirInUse) throw error;
      this.#streak.failed(error);
    }
    this.#lookLater();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    const isOurs = await this.#isThere();
    const server = this.#server;
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
    if (isOurs) await rm(this.#path, { force: true });
  }

  #lookLater(): void {
    if (this.#isDisposed) return;
    this.#timer = this.#clock.after(looksEvery, () => {
      this.#looking = this.#look().finally(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    if (await this.#isThere()) return;
    // Before a new one: closing it removes whatever is at its path.
    this.#server?.close();
    this.#server = undefined;
    try {
      await this.#listen();
      this.#streak.succeeded();
    } catch (error) {
      this.#streak.failed(error);
    }
  }

  async #isThere(): Promise<boolean> {
    return this.#server !== undefined && (await inodeOf(this.#path)) === this.#inode;
  }

  async #listen(): Promise<void> {
    await mkdir(this.#stateDir, { recursive: true, mode: 0o755 });
    await this.#makeRoom();
    const server = createServer((connection) => {
      connection.on('error', () => connection.destroy());
      connection.setEncoding('utf8');
      connection.once('data', (text: string) => {
        const request = text.trim();
        const isKnown = request === 'status' || request === 'stop';
        const answer = isKnown ? this.#handlers[request]() : { error: 'unknown request' };
        connection.end(`${JSON.stringify(answer)}\n`);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#path, resolve);
    });
    this.#server = server;
    this.#inode = await inodeOf(this.#path);
  }

  /** What an agent that was killed has left goes, and whatever else stands there; a folder only when it is empty. */
  async #makeRoom(): Promise<void> {
    const found = await unlessMissing(lstat(this.#path));
    if (found === undefined) return;
    if (found.isDirectory()) {
      await rmdir(this.#path);
      return;
    }
    if ((await askAgent(this.#stateDir, 'status', answersWithin.atStart)) !== undefined)
      throw new StateDirInUse(`--state-dir ${this.#stateDir} is in use by another agent: give each agent its own`);
    await rm(this.#path, { force: true });
  }
}

/** Undefined when nothing is there, or nobody may look. */
const inodeOf = (path: string): Promise<number | undefined> =>
  lstat(path).then(
    ({ ino }) => ino,
    () => undefined,
  );

/** By the codes with which nobody is behind the socket, or there is none. */
const nobody = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ELOOP', 'ENOTSOCK']);

/**
 * The agent's answer, or undefined when none runs behind this state folder.
 * @param within milliseconds
 */
export function askAgent(stateDir: string, request: ControlRequest, within = answersWithin.usually): Promise<unknown> {
  const path = socketPath(stateDir);
  return new Promise((resolve, reject) => {
    const connection = connect(path);
    let text = '';
    connection.setEncoding('utf8');
    connection.setTimeout(within, () => connection.destroy(new Error(`what listens on ${path} does not answer`)));
    connection.on('connect', () => connection.write(`${request}\n`));
    connection.on('data', (chunk: string) => (text += chunk));
    connection.on('error', (error: NodeJS.ErrnoException) => {
      if (nobody.has(error.code ?? '')) resolve(undefined);
      else reject(error);
    });
    connection.on('end', () => {
      try {
        resolve(text === '' ? undefined : JSON.parse(text));
      } catch (cause) {
        reject(new Error(`what listens on ${path} is no agent`, { cause }));
      }
    });
  });
}

/** Whether an agent answers, whatever else may stand there. */
export const agentAnswers = (stateDir: string): Promise<boolean> =>
  askAgent(stateDir, 'status', answersWithin.atStart).then(
    (answer) => answer !== undefined,
    () => false,
  );
