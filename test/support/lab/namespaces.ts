/** The lab's network namespaces as a whole: kernel settings in them, processes in them, and what killed runs left. */
import { execa } from 'execa';
import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as libc from './libc.js';

/** A run is distinguished from others by its process id, in the names of its namespaces and of its folder. */
const namespacePrefix = 'pw-';
const folderPrefix = 'podwall-lab-';

export const runPrefix = `${namespacePrefix}${process.pid}-`;
export const runFolder = join(tmpdir(), `${folderPrefix}${process.pid}-`);

/** No duplicate address detection: an address can be used at once. */
export const skipAddressDetection = (namespace: string): void =>
  writeSettings(namespace, { 'ipv6/conf/all/accept_dad': '0', 'ipv6/conf/default/accept_dad': '0' });

/** Kernel settings below /proc/sys/net, which belong to the network namespace of the thread that writes them. */
export function writeSettings(namespace: string, values: Readonly<Record<string, string>>): void {
  libc.inNamed(namespace, () => {
    for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/net/${name}`, value);
  });
}

/** Removes all namespaces whose name begins so, and every process in them: an orphan would keep its namespace alive. */
export async function removeNamespaces(prefix: string): Promise<void> {
  // What was being added while this began is there by the second look.
  for (let left = namespacesWith(prefix); left.length > 0; left = namespacesWith(prefix)) {
    endProcessesIn(left);
    // Another run may be tidying up as well.
    await Promise.all(left.map((name) => execa('ip', ['netns', 'del', name], { reject: false })));
    await delay(100);
  }
}

/** Removes what runs that were killed left behind. */
export async function removeLeftovers(): Promise<void> {
  const owners = new Set(namespacesWith(namespacePrefix).map((name) => Number(name.split('-')[1])));
  for (const owner of owners) if (!isAlive(owner)) await removeNamespaces(`${namespacePrefix}${owner}-`);
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const owner = Number(name.slice(folderPrefix.length).split('-')[0]);
    if (Number.isInteger(owner) && !isAlive(owner)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

export function namespacesWith(prefix: string): string[] {
  const names = unlessGone(() => readdirSync(libc.namespaceFolder)) ?? [];
  return names.filter((name) => name.startsWith(prefix));
}

/** Ids of the processes that are in any of the namespaces. */
export function processesIn(namespaces: readonly string[]): number[] {
  const ours = new Set(namespaces.map((name) => identityOf(join(libc.namespaceFolder, name))));
  ours.delete(undefined);
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => ours.has(identityOf(`/proc/${pid}/ns/net`)));
}

/** What distinguishes a namespace from others; undefined when it is gone, or belongs to a process that is hidden from us. */
const identityOf = (path: string): string | undefined =>
  unlessGone(() => {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  }, ['ENOENT', 'ESRCH', 'EACCES']);

function endProcessesIn(namespaces: readonly string[]): void {
  for (const pid of processesIn(namespaces)) unlessGone(() => process.kill(pid, 'SIGKILL'));
}

const isAlive = (pid: number): boolean => unlessGone(() => statSync(`/proc/${pid}`)) !== undefined;

function unlessGone<T>(look: () => T, codes: readonly string[] = ['ENOENT', 'ESRCH']): T | undefined {
  try {
    return look();
  } catch (error) {
    if (codes.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
