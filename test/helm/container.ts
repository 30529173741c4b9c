/** Runs one container of a pod as a kubelet and a runtime would: image, mounts, user, capabilities, arguments, environment. */
import { execaSync } from 'execa';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Image } from '../build/image/containerfile.js';
import type { Container, PodSpec } from './daemon-set.js';
import { missingProfile, runtimeDefault } from '../build/image/seccomp-filter.js';

export interface Host {
  readonly image: Image;
  /** The image's files; mount points are made here. */
  readonly tree: string;
  /** Host folder for each path that a pod's volume names, and for what the kubelet mounts itself. */
  readonly folders: Readonly<Record<string, string>>;
  /** What fieldRefs stand for, above all `spec.nodeName`. */
  readonly fields: Readonly<Record<string, string>>;
  /** What the kubelet adds: above all where the API server is. */
  readonly environment: Readonly<Record<string, string>>;
}

const devices = ['null', 'zero', 'full', 'random', 'urandom'];
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The command that becomes the container, for `ip netns exec NAMESPACE …`. */
export async function launchOf(host: Host, pod: PodSpec, container: Container): Promise<readonly string[]> {
  const { tree } = host;
  const script = ['mount --bind "$0" "$0"'];
  for (const name of devices) {
    await writeFile(join(tree, 'dev', name), '');
    script.push(`mount --bind /dev/${name} "$0/dev/${name}"`);
  }
  for (const { from, to } of mountsOf(host, pod, container)) {
    // Under /var/run, which is a link inside the image.
    const place = join(tree, to.replace(/^\/var\/run\//, '/run/'));
    await mkdir(place, { recursive: true });
    script.push(from === undefined ? `mount -t tmpfs tmpfs "${place}"` : `mount --bind "${from}" "${place}"`);
  }
  script.push(
    'mount -t proc proc "$0/proc"',
    'mount --bind "$0/proc/sys" "$0/proc/sys"',
    'mount -o remount,bind,ro "$0/proc/sys"',
    'mount -t sysfs -o ro sysfs "$0/sys"',
  );
  if (container.securityContext.readOnlyRootFilesystem) script.push('mount -o remount,bind,ro "$0"');
  script.push('exec "$@"');
  const filtered = await seccompOf(tree, container);
  return [
    ...['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', script.join('\n'), tree],
    ...['env', '-i', ...Object.entries(environmentOf(host, container)).map(([name, value]) => `${name}=${value}`)],
    ...['capsh', `--chroot=${tree}`, ...privilegesOf(container)],
    // `env` looks the program up in PATH, as the runtime does.
    ...['--shell=/usr/bin/env', '--', ...filtered, ...commandOf(host, container)],
  ];
}

/** `from` is absent for an emptyDir. */
function mountsOf(host: Host, pod: PodSpec, container: Container) {
  const mounts = (container.volumeMounts ?? []).map(({ name, mountPath }) => {
    const hostPath = pod.volumes?.find((volume) => volume.name === name)?.hostPath?.path;
    return { from: hostPath && (host.folders[hostPath] ?? hostPath), to: mountPath };
  });
  const secrets = '/var/run/secrets/kubernetes.io/serviceaccount';
  return host.folders[secrets] === undefined ? mounts : [...mounts, { from: host.folders[secrets], to: secrets }];
}

function environmentOf({ image, environment, fields }: Host, { env = [] }: Container): Record<string, string> {
  const all: Record<string, string> = { PATH: path, ...image.environment, ...environment };
  for (const { name, value, valueFrom } of env)
    all[name] = valueFrom === undefined ? (value ?? '') : known(fields, valueFrom.fieldRef.fieldPath);
  return all;
}

function commandOf(host: Host, container: Container): readonly string[] {
  const environment = environmentOf(host, container);
  return [...(container.command ?? host.image.entrypoint), ...(container.args ?? [])].map((word) =>
    word.replaceAll(/\$\((\w+)\)/g, (_all, name: string) => known(environment, name)),
  );
}

function known(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`nothing stands for ${name}`);
  return value;
}

/** Bounding set first: after the switch of user, none of it could be given up. */
function privilegesOf({ securityContext }: Container): readonly string[] {
  const { runAsUser, allowPrivilegeEscalation, capabilities } = securityContext;
  if (!capabilities.drop.includes('ALL')) throw new Error('only containers that drop ALL are known here');
  const kept = (capabilities.add ?? []).map((name) => `cap_${name.toLowerCase()}`);
  const dropped = boundingSet().filter((name) => !kept.includes(name));
  return [
    `--drop=${dropped.join(',')}`,
    '--inh=',
    '--noamb',
    ...(allowPrivilegeEscalation ? [] : ['--no-new-privs']),
    ...(runAsUser === 0 ? [] : [`--gid=${runAsUser}`, `--uid=${runAsUser}`]),
  ];
}

/** What puts the command that follows under the profile that the container asks for; nothing where there is none here. */
async function seccompOf(tree: string, { securityContext }: Container): Promise<readonly string[]> {
  const { seccompProfile, capabilities } = securityContext;
  if (seccompProfile?.type !== 'RuntimeDefault' || missingProfile !== undefined) return [];
  const kept = (capabilities.add ?? []).map((name) => `CAP_${name}`);
  await writeFile(join(tree, 'seccomp.bpf'), await runtimeDefault(kept));
  await copyFile(join(import.meta.dirname, 'under-seccomp.mjs'), join(tree, 'under-seccomp.mjs'));
  return ['node', '/under-seccomp.mjs', '/seccomp.bpf'];
}

function boundingSet(): readonly string[] {
  const { stdout } = execaSync('capsh', ['--print']);
  return (/^Bounding set =(.*)$/m.exec(stdout)?.[1] ?? '').split(',').filter((name) => name !== '');
}
