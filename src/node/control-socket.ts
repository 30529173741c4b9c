import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { ReconcilerStatus } from '../reconciler/types.js';

/** What `podwall status` shows of a running agent. */
export interface AgentStatus extends ReconcilerStatus {
  readonly agent: 'running';
  readonly node: string;
  readonly pid: number;
  readonly version: string;
}

type ControlRequest = 'status' | 'stop';

export const socketPath = (stateDir: string): string => join(stateDir, 'agent.sock');

/** The state folder serves another agent, in another network namespace: the user must give each its own. */
export class StateDirInUse extends Error {
  override readonly name = 'StateDirInUse';
}

/** Answers requests of one word a line with one line of JSON, on `agent.sock` in the state folder. */
export async function serveControl(
  stateDir: string,
  handlers: Readonly<Record<ControlRequest, () => unknown>>,
): Promise<AsyncDisposable> {
  await mkdir(stateDir, { recursive: true, mode: 0o755 });
  const path = socketPath(stateDir);
  if (existsSync(path)) {
    if ((await askAgent(stateDir, 'status')) !== undefined)
      throw new StateDirInUse(`--state-dir ${stateDir} is in use by another agent: give each agent its own`);
    await rm(path, { force: true });
  }
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy());
    connection.setEncoding('utf8');
    connection.once('data', (text: string) => {
      const request = text.trim();
      const answer = request === 'status' || request === 'stop' ? handlers[request]() : { error: 'unknown request' };
      connection.end(`${JSON.stringify(answer)}\n`);
    });
  });
  await listen(server, path);
  return {
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
      await rm(path, { force: true });
    },
  };
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
}

/** The agent's answer, or undefined when none runs behind this state folder. */
export function askAgent(stateDir: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const connection = connect(socketPath(stateDir));
    let text = '';
    connection.setEncoding('utf8');
    connection.setTimeout(5000, () => connection.destroy(new Error('the agent does not answer')));
    connection.on('connect', () => connection.write(`${request}\n`));
    connection.on('data', (chunk: string) => (text += chunk));
    connection.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(error);
    });
    connection.on('end', () => resolve(text === '' ? undefined : JSON.parse(text)));
  });
}
