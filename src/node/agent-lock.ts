/**
 * One agent for each network namespace, whatever its state folder is.
 *
 * The lock is a socket at a loopback address of our own: `/proc/net/udp` says of each whose it is, so that a process that is
 * not root can neither take the lock nor keep an agent from it. Whoever has bound one and then sees no other of root has the
 * lock: of two that bind at once, at least one sees the other. The kernel removes it with its owner.
 *
 * Beside it stands the abstract socket by which earlier releases lock. Who holds that is not known: it counts where an
 * agent answers in the state folder, or where there is no loopback.
 */
import { createSocket, type Socket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { endianness } from 'node:os';

/** Node 20 fills the name up with zeros, later releases do not: it is the same name only when it is full. Bytes. */
const abstractName = '\0podwall-agent'.padEnd(108, '\0');
/** `pwl` as its last three numbers. */
const lockAddress = [127, 112, 119, 108];
/** Milliseconds between two attempts: not the same for two that wait. */
const pause = { least: 150, span: 100 };

interface LockListener {
  /** Another agent holds it; called once. */
  readonly onWait: () => void;
  /** A process that is no agent holds the abstract socket; called once, and the lock is taken without it. */
  readonly onPassedOver: () => void;
  /** Whether an agent answers in the state folder. */
  readonly answers: () => Promise<boolean>;
}

/** Takes the lock, and waits as long as another agent holds it. */
export async function acquireLock(
  { onWait, onPassedOver, answers }: LockListener,
  signal: AbortSignal,
): Promise<Disposable> {
  for (let waited = false; ; waited = true) {
    signal.throwIfAborted();
    const own = await bindLock();
    const isFree = own === undefined || (await otherHolders(own.address().port)).length === 0;
    const abstract = isFree ? await listenAbstract() : undefined;
    if (abstract !== undefined || (isFree && own !== undefined && !(await answers()))) {
      if (abstract === undefined) onPassedOver();
      return {
        [Symbol.dispose]() {
          own?.close();
          abstract?.close();
        },
      };
    }
    own?.close();
    if (!waited) onWait();
    await new Promise((resolve) => setTimeout(resolve, pause.least + Math.random() * pause.span));
  }
}

/** Whether an agent runs in this network namespace. */
export async function lockIsHeld(answers: () => Promise<boolean>): Promise<boolean> {
  if ((await otherHolders(0)).length > 0 || (await answers())) return true;
  const own = await bindLock();
  own?.close();
  if (own !== undefined) return false;
  const abstract = await listenAbstract();
  abstract?.close();
  return abstract === undefined;
}

/** Undefined where there is no loopback. */
function bindLock(): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      if (error.code === 'EADDRNOTAVAIL') resolve(undefined);
      else reject(error);
    });
    socket.bind({ address: lockAddress.join('.'), exclusive: true }, () => {
      // Connected to itself: nobody else can send it anything.
      socket.connect(socket.address().port, lockAddress.join('.'), () => resolve(socket));
    });
  });
}

/** Ports of root's sockets at our address, but for one of our own. Source: Documentation/networking/proc_net_tcp.rst. */
async function otherHolders(ownPort: number): Promise<readonly number[]> {
  const bytes = lockAddress.map((byte) => byte.toString(16).padStart(2, '0').toUpperCase());
  const address = (endianness() === 'LE' ? bytes.reverse() : bytes).join('');
  return (await readFile('/proc/net/udp', 'utf8')).split('\n').flatMap((line) => {
    const [, local = '', , , , , , uid] = line.trim().split(/\s+/);
    const [at, port = ''] = local.split(':');
    const number = parseInt(port, 16);
    return at === address && uid === '0' && number !== ownPort ? [number] : [];
  });
}

/** Undefined when another process holds it. */
function listenAbstract(): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(abstractName, () => resolve(server));
  });
}
