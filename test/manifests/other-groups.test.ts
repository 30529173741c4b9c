/** Other projects have kinds with the names of ours: what they make is skipped with a message, and never read as ours. */
import { describe, expect, test } from '@jest/globals';
import { readDocuments } from '../../src/manifests/documents.js';
import { ManifestCollector, type ManifestObjects } from '../../src/manifests/manifest-collector.js';

const loaded = (...texts: readonly string[]): ManifestObjects => {
  const collector = new ManifestCollector({ strict: true });
  for (const document of readDocuments(texts.join('\n---\n'), 'all.yaml').documents) collector.takeDocument(document);
  return collector.objects();
};
const template = 'template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web}]}}';
const manifest = (apiVersion: string, kind: string, spec = template): string =>
  `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: web, namespace: shop}\nspec: {${spec}}`;

describe('a kind of another group', () => {
  test.each([
    ['apps.openshift.example/v1', 'Deployment'],
    ['serving.knative.dev/v1', 'Service'],
    ['batch.volcano.sh/v1alpha1', 'Job'],
    ['argoproj.io/v1alpha1', 'CronJob'],
    ['metal.example/v1', 'Node'],
    ['tenancy.example/v1', 'Namespace'],
    ['sandbox.example/v1', 'Pod'],
    ['crd.projectcalico.org/v1', 'NetworkPolicy'],
  ])('%s %s is skipped with a message', (apiVersion, kind) => {
    const { skipped, unparsed, problems, ...objects } = loaded(manifest(apiVersion, kind, 'size: 1'));
    expect(skipped).toEqual([`all.yaml:1:1: a ${kind} of ${apiVersion}, which Podwall does not read`]);
    expect([...unparsed, ...problems]).toEqual([]);
    expect([objects.pods, objects.services, objects.nodes, objects.namespaces, objects.policies].flat()).toEqual([]);
  });

  test.each([
    ['argoproj.io/v1alpha1', 'Rollout'],
    ['apps.kruise.io/v1alpha1', 'CloneSet'],
    ['serving.knative.dev/v1', 'Service'],
    ['apps.openshift.io/v1', 'DeploymentConfig'],
    ['custom.example/v1', 'Anything'],
  ])('a pod template of %s %s makes pods', (apiVersion, kind) => {
    const { skipped, unparsed, pods, services } = loaded(manifest(apiVersion, kind));
    expect([...skipped, ...unparsed, ...services]).toEqual([]);
    expect(pods.map(({ owner, pod }) => [owner, pod.labels])).toEqual([
      [{ namespace: 'shop', kind, name: 'web' }, { app: 'web' }],
    ]);
  });

  test.each([
    ['apps/v3', 'Deployment', 'apps/v1'],
    ['v2', 'Service', 'v1'],
    ['extensions/v1beta1', 'NetworkPolicy', 'networking.k8s.io/v1'],
    ['k8sV1', 'NetworkPolicy', 'networking.k8s.io/v1'],
    ['v1', 'Deployment', 'apps/v1'],
  ])('%s %s: a version that is not served cannot be read', (apiVersion, kind, served) => {
    const { skipped, unparsed, pods, services, policies } = loaded(manifest(apiVersion, kind));
    expect(unparsed).toEqual([`all.yaml:1:1: apiVersion ${apiVersion} of ${kind} is not served; use ${served}`]);
    expect([...skipped, ...pods, ...services, ...policies]).toEqual([]);
  });

  test.each(['apps/v1', 'apps/v1beta1', 'extensions/v1beta1'])('a Deployment of %s is read', (apiVersion) => {
    const { skipped, unparsed, pods } = loaded(manifest(apiVersion, 'Deployment'));
    expect([...skipped, ...unparsed]).toEqual([]);
    expect(pods.map(({ owner }) => owner)).toEqual([{ namespace: 'shop', kind: 'Deployment', name: 'web' }]);
  });
});

describe('an owner of another group', () => {
  const pod = (owner: string): string =>
    `apiVersion: v1\nkind: Pod\nmetadata: {name: web-1, namespace: shop, ownerReferences: [{${owner}, name: web, controller: true}]}\nspec: {containers: [{name: web}]}`;
  const cronJob = 'metadata: {name: nightly}, jobTemplate: {}';
  const job = `apiVersion: batch/v1\nkind: Job\nmetadata: {name: web, namespace: shop, ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: nightly, controller: true}]}\nspec: {${cronJob}}`;
  const ownerOf = (...texts: readonly string[]): string | undefined =>
    loaded(...texts).pods.map(({ owner }) => `${owner.kind}/${owner.name}`)[0];

  test('is not looked up among our workloads', () => {
    expect(ownerOf(pod('apiVersion: batch/v1, kind: Job'), job)).toBe('CronJob/nightly');
    expect(ownerOf(pod('kind: Job'), job)).toBe('CronJob/nightly');
    expect(ownerOf(pod('apiVersion: batch.volcano.sh/v1alpha1, kind: Job'), job)).toBe('Job/web');
  });

  test('a ReplicaSet that is not of apps stands for no Deployment', () => {
    const owner = (apiVersion: string): string =>
      pod(`apiVersion: ${apiVersion}, kind: ReplicaSet`).replace('name: web,', 'name: web-6d4cf56db6,');
    expect(ownerOf(owner('apps/v1'))).toBe('Deployment/web');
    expect(ownerOf(owner('other.example/v1'))).toBe('ReplicaSet/web-6d4cf56db6');
  });
});
