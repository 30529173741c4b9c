/**
 * What runs of tests leave when they are killed: network namespaces, and folders with whatever is mounted in them. Their names
 * have the owner's process id and its start time, since ids are given again; the next run removes those whose owner is gone.
 */
import { execa } from 'execa';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export const namespaceFolder = '/var/run/netns';

const owner = `${process.pid}-${startOf(process.pid)}`;
const namespacesOfRuns = /^podwall-(\d+)-(\d+)-/;
const foldersOfRuns = /^podwall-run-(\d+)-(\d+)(?=$|-)/;

/** How the names of this process's namespaces and folders begin. */
export const runPrefix = `podwall-${owner}-`;
export const runFolderName = `podwall-run-${owner}`;

/** A folder in which everything that this run calls temporary is. @returns its path */
export function makeRunFolder() {
  const folder = join(tmpdir(), runFolderName);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Removes what runs that were killed left behind, and nothing of a run that lives. */
export async function removeLeftovers() {
  const owners = new Set(namespacesWith('podwall-').flatMap((name) => namespacesOfRuns.exec(name)?.[0] ?? []));
  for (const prefix of owners)
    if (mayRemove(namespaceFolder) && !isOwned(namespacesOfRuns, prefix)) await removeNamespaces(prefix);
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    if (foldersOfRuns.test(name) && !isOwned(foldersOfRuns, name) && mayRemove(folder) && !isInUse(folder))
      await removeRunFolder(folder);
  }
}

/** Removes the folder, unless something that is mounted in it stays: that must not be emptied. */
export async function removeRunFolder(folder) {
  for (const point of mountsIn(folder).sort((a, b) => b.length - a.length))
    await execa('umount', ['--lazy', point], { reject: false });
  // Another run may be tidying up as well.
  if (mountsIn(folder).length === 0) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Removes all namespaces whose name begins so, and every process in them: an orphan would keep its namespace alive. */
export async function removeNamespaces(prefix) {
  // What was being added while this began is there by the second look.
  for (let left = namespacesWith(prefix); left.length > 0; left = namespacesWith(prefix)) {
    for (const pid of processesIn(left)) unlessGone(() => process.kill(pid, 'SIGKILL'));
    // Another run may be tidying up as well.
    await Promise.all(left.map((name) => execa('ip', ['netns', 'del', name], { reject: false })));
    await delay(100);
  }
}

export function namespacesWith(prefix) {
  const names = unlessGone(() => readdirSync(namespaceFolder)) ?? [];
  return names.filter((name) => name.startsWith(prefix));
}

/** Ids of the processes that are in any of the namespaces. */
export function processesIn(namespaces) {
  const ours = new Set(namespaces.map((name) => identityOf(join(namespaceFolder, name))));
  ours.delete(undefined);
  return processes().filter((pid) => pid !== process.pid && ours.has(identityOf(`/proc/${pid}/ns/net`)));
}

const processes = () =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid));

/** What distinguishes a namespace from others; undefined when it is gone, or belongs to a process that is hidden from us. */
const identityOf = (path) =>
  unlessHidden(() => {
    const { dev, ino } = statSync(path);
    return `${dev} ${ino}`;
  });

/** Whether the process that the name names lives. */
function isOwned(pattern, name) {
  const [, pid, start] = pattern.exec(name) ?? [];
  return startOf(pid) === start;
}

/** In ticks since the machine started (proc(5)); undefined when there is no such process, or when it only waits for its parent. */
function startOf(pid) {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  // The name, in parentheses, may contain anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

/** Whether a process that the run started has survived it: it may still write there. */
const isInUse = (folder) =>
  processes().some((pid) =>
    unlessHidden(() => readFileSync(`/proc/${pid}/environ`, 'utf8'))
      ?.split('\0')
      .includes(`TMPDIR=${folder}`),
  );

const mayRemove = (path) => {
  const user = process.getuid?.();
  return user === 0 || unlessGone(() => statSync(path))?.uid === user;
};

/** Mount points in a folder, and the folder itself if it is one; proc(5) writes spaces and the like in octal. */
const mountsIn = (folder) =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8))),
    )
    .filter((point) => point === folder || point.startsWith(`${folder}/`));

const unlessHidden = (look) => unlessGone(look, ['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

function unlessGone(look, codes = ['ENOENT', 'ESRCH']) {
  try {
    return look();
  } catch (error) {
    if (codes.includes(error.code ?? '')) return undefined;
    throw error;
  }
}
