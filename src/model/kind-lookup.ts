/** What the table of kinds says of an object: kinds are found by group and kind, since other projects use the same names. */
import { followedKinds, kinds, type FollowedKind, type ObjectKind } from './kinds.js';

export interface FoundKind {
  readonly kind: ObjectKind;
  /**
   * `read`; `removed`: of a version that is served no more; `unknownVersion`: of the same group, but not of a version that
   * we know, or of a group that there is not; `otherGroup`: another project's kind of the same name.
   */
  readonly as: 'read' | 'removed' | 'unknownVersion' | 'otherGroup';
}

const byName = new Map(kinds.map((kind) => [kind.kind, kind]));

/** Empty for the core group. */
export const groupOf = (apiVersion: string): string => apiVersion.split('/').slice(0, -1).join('/');

/** Undefined for what no kind of ours has as its name. */
export function findKind(apiVersion: string, name: string): FoundKind | undefined {
  const kind = byName.get(name);
  if (kind === undefined) return undefined;
  const { apiVersions, removedApiVersions = [] } = kind;
  if (apiVersions.includes(apiVersion)) return { kind, as: 'read' };
  if (removedApiVersions.includes(apiVersion)) return { kind, as: 'removed' };
  const groups = [...apiVersions, ...removedApiVersions].map(groupOf);
  const group = groupOf(apiVersion);
  return { kind, as: groups.includes(group) || isOfKubernetes(group) ? 'unknownVersion' : 'otherGroup' };
}

/** Groups of other projects are domain names of theirs; the rest is a slip, as `networking/v1` or `network.k8s.io/v1`. */
const isOfKubernetes = (group: string): boolean =>
  !group.includes('.') || /(^|\.)(k8s|kubernetes)\.io$/.test(group) || /^network(ing)?\./.test(group);

/** The kind of an object that is read, whatever the value is. */
export function readKind(apiVersion: unknown, name: unknown): ObjectKind | undefined {
  if (typeof apiVersion !== 'string' || typeof name !== 'string') return undefined;
  const found = findKind(apiVersion, name);
  return found?.as === 'read' ? found.kind : undefined;
}

/** The kind of an object that the agent follows. */
export function followedKind(apiVersion: string, name: string): FollowedKind | undefined {
  const kind = readKind(apiVersion, name);
  return followedKinds.find((one) => one === kind);
}

/** Why an object with the name of a kind of ours is not read. */
export function whyNotRead({ kind, as }: FoundKind, apiVersion: string): string {
  return as === 'otherGroup'
    ? `a ${kind.kind} of ${apiVersion}, which Podwall does not read`
    : `apiVersion ${apiVersion} of ${kind.kind} is not served; use ${kind.apiVersions[0]}`;
}
