/**
 * `seccompProfile: RuntimeDefault`: the profile that podman and CRI-O use, as Debian ships it, made into a filter by
 * libseccomp as they do. containerd's and docker's are of the same descent.
 */
import koffi from 'koffi';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unpackedPackage } from '../packages/debian-packages.js';

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

interface SyscallRule {
  readonly names: readonly string[];
  readonly action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  readonly errnoRet?: number;
  readonly args?: readonly Argument[] | null;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Argument {
  readonly index: number;
  readonly value: number;
  readonly valueTwo: number;
  readonly op: keyof typeof comparisons;
}

interface Profile {
  readonly defaultAction: SyscallRule['action'];
  readonly defaultErrnoRet?: number;
  readonly syscalls: readonly SyscallRule[];
}

/** seccomp.h of libseccomp */
const comparisons = { SCMP_CMP_NE: 1, SCMP_CMP_EQ: 4, SCMP_CMP_MASKED_EQ: 7 } as const;
const allow = 0x7fff0000;
const refuse = 0x00050000;
const eexist = 17;

export const profilePackage = 'golang-github-containers-common';
const profileFile = [unpackedPackage(profilePackage), '']
  .map((root) => join(root, '/usr/share/containers/seccomp.json'))
  .find((path) => existsSync(path));
const library = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  .map((folder) => join(folder, 'libseccomp.so.2'))
  .find((path) => existsSync(path));

/** Why there can be no filter here, in a sentence. */
export const missingProfile =
  profileFile === undefined || library === undefined
    ? `needs libseccomp2 and the profile of Debian's ${profilePackage}, which npm test fetches`
    : undefined;

/** The filter, in the kernel's own form, of a container with these capabilities (`CAP_NET_ADMIN`). */
export async function runtimeDefault(capabilities: readonly string[]): Promise<Buffer> {
  if (profileFile === undefined || library === undefined) throw new Error(missingProfile);
  const profile = JSON.parse(await readFile(profileFile, 'utf8')) as Profile;
  const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? process.arch;
  const meets = ({ caps, arches }: Condition = {}): boolean =>
    (caps === undefined || caps.every((one) => capabilities.includes(one))) &&
    (arches === undefined || arches.includes(architecture));
  const excluded = ({ caps = [], arches = [] }: Condition = {}): boolean =>
    caps.some((one) => capabilities.includes(one)) || arches.includes(architecture);
  const rules = profile.syscalls.filter(({ includes, excludes }) => meets(includes) && !excluded(excludes));
  return compile(profile, rules, library);
}

const actionOf = (action: SyscallRule['action'], errno = 1): number =>
  action === 'SCMP_ACT_ALLOW' ? allow : refuse | errno;

function compile({ defaultAction, defaultErrnoRet }: Profile, rules: readonly SyscallRule[], path: string): Buffer {
  const lib = koffi.load(path);
  const comparison = koffi.struct({ index: 'uint', op: 'int', value: 'uint64', valueTwo: 'uint64' });
  const init = lib.func('void *seccomp_init(uint32 action)');
  const resolve = lib.func('int seccomp_syscall_resolve_name(const char *name)');
  const add = lib.func('seccomp_rule_add_array', 'int', ['void *', 'uint32', 'int', 'uint', koffi.pointer(comparison)]);
  const exportTo = lib.func('int seccomp_export_bpf(void *filter, int fd)');
  const release = lib.func('void seccomp_release(void *filter)');
  const unlessFailed = (result: number, what: string): void => {
    if (result < 0 && result !== -eexist) throw new Error(`libseccomp: ${what}: error ${-result}`);
  };
  const filter = init(actionOf(defaultAction, defaultErrnoRet)) as object;
  for (const { names, action, errnoRet, args } of rules)
    for (const name of names) {
      const number = resolve(name) as number;
      // Of another architecture, or newer than the library.
      if (number < 0) continue;
      const compared = (args ?? []).map(({ op, ...rest }) => ({ ...rest, op: comparisons[op] }));
      unlessFailed(add(filter, actionOf(action, errnoRet), number, compared.length, compared) as number, name);
    }
  const file = join(tmpdir(), `podwall-seccomp-${process.pid}`);
  const fd = openSync(file, 'w', 0o600);
  try {
    unlessFailed(exportTo(filter, fd) as number, 'export');
    return readFileSync(file);
  } finally {
    closeSync(fd);
    rmSync(file);
    release(filter);
  }
}
