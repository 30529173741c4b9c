import { createServer, type Server } from 'node:net';

/** An abstract socket belongs to its network namespace and vanishes with its owner: the lock cannot go stale. */
const lockName = '\0podwall-agent';

/**
 * Takes the one-agent-per-network-namespace lock, waiting as long as another agent holds it.
 * @param onWait called once when it has to wait.
 */
export async function acquireLock(onWait: () => void, signal: AbortSignal): Promise<Disposable> {
  for (let waited = false; ; waited = true) {
    signal.throwIfAborted();
    const server = await tryToListen();
    if (server !== undefined) return { [Symbol.dispose]: () => void server.close() };
    if (!waited) onWait();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Whether an agent runs in this network namespace. */
export async function lockIsHeld(): Promise<boolean> {
  const server = await tryToListen();
  server?.close();
  return server === undefined;
}

function tryToListen(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(lockName, () => resolve(server));
  });
}
