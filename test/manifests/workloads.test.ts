import { describe, expect, test } from '@jest/globals';
import { ownerKey } from '../../src/model/workload.js';
import { readWorkload, topmostOwner, type WorkloadObject } from '../../src/manifests/workloads.js';

const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [] } };
const apiVersions: Readonly<Record<string, string>> = {
  Pod: 'v1',
  ReplicationController: 'v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
};
const owned = (kind: string, name: string, controller?: readonly [string, string], labels: object = {}): object => ({
  apiVersion: apiVersions[kind] ?? 'apps/v1',
  kind,
  metadata: {
    name,
    namespace: 'shop',
    labels,
    ...(controller && { ownerReferences: [{ kind: controller[0], name: controller[1], controller: true }] }),
  },
  spec: { template, jobTemplate: { spec: { template } } },
});

const read = (object: object): WorkloadObject => {
  const workload = readWorkload(object);
  if (workload === undefined) throw new Error('no workload');
  return workload;
};

describe('topmostOwner', () => {
  const pod = owned('Pod', 'web-6d4cf56db6-x1', ['ReplicaSet', 'web-6d4cf56db6']);
  test.each([
    ['a bare pod', owned('Pod', 'web'), [], 'shop/Pod/web'],
    [
      'a ReplicaSet elsewhere, by the hash',
      owned('Pod', 'p', ['ReplicaSet', 'web-1'], { 'pod-template-hash': '1' }),
      [],
      'shop/Deployment/web',
    ],
    ['a ReplicaSet elsewhere, by its name', pod, [], 'shop/Deployment/web'],
    ['a ReplicaSet that nobody owns', pod, [owned('ReplicaSet', 'web-6d4cf56db6')], 'shop/ReplicaSet/web-6d4cf56db6'],
    [
      'a ReplicaSet of a Deployment',
      pod,
      [owned('ReplicaSet', 'web-6d4cf56db6', ['Deployment', 'front'])],
      'shop/Deployment/front',
    ],
    [
      'a Job of a CronJob',
      owned('Pod', 'r-1-x', ['Job', 'r-1']),
      [owned('Job', 'r-1', ['CronJob', 'r'])],
      'shop/CronJob/r',
    ],
    ['a Job elsewhere', owned('Pod', 'r-1-x', ['Job', 'r-1']), [], 'shop/Job/r-1'],
    ['a static pod', owned('Pod', 'etcd', ['Node', 'n1']), [], 'shop/Pod/etcd'],
  ])('%s', (_, object, others, expected) => {
    const known = new Map(others.map(read).map((one) => [ownerKey(one.self), one]));
    expect(ownerKey(topmostOwner(read(object), known))).toBe(expected);
  });

  test('owners in a circle end', () => {
    const circle = [owned('Job', 'a', ['Job', 'b']), owned('Job', 'b', ['Job', 'a'])].map(read);
    const known = new Map(circle.map((one) => [ownerKey(one.self), one]));
    expect(ownerKey(topmostOwner(circle[0] as WorkloadObject, known))).toMatch(/^shop\/Job\/[ab]$/);
  });
});

describe('readWorkload', () => {
  test.each(['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet', 'ReplicationController', 'Job', 'CronJob'])(
    '%s: the pod of its template',
    (kind) => {
      expect(read(owned(kind, 'x')).pod).toEqual({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { labels: { app: 'x' }, name: 'x', namespace: 'shop' },
        spec: { containers: [] },
      });
    },
  );

  test('a former ReplicaSet of a Deployment makes no pods', () => {
    const previous = { ...owned('ReplicaSet', 'web-1', ['Deployment', 'web']), spec: { replicas: 0, template } };
    expect(read(previous).pod).toBeUndefined();
  });

  test.each([
    [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' } }],
    [{ apiVersion: 'v1', kind: 'Pod', metadata: {} }],
    [undefined],
  ])('%j is none', (object) => expect(readWorkload(object)).toBeUndefined());
});
