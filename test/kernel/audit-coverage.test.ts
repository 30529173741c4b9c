/** `podwall audit coverage` of a node whose rules met real packets. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join, resolve } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';

const bundle = resolve(import.meta.dirname, '../../dist/podwall.js');
const app = (name: string): object => ({ matchLabels: { app: name } });
const from = (name: string): object => ({ from: [{ podSelector: app(name) }] });
const world: readonly Manifest[] = [
  node('n1'),
  namespace('x'),
  pod('client.x', { host: 11, labels: { app: 'client' } }),
  pod('other.x', { host: 12, labels: { app: 'other' } }),
  pod('server.x', { host: 13, labels: { app: 'server' } }),
  policy('server.x', { podSelector: app('server'), ingress: [from('client'), from('nobody')] }),
  policy('elsewhere.x', { podSelector: app('elsewhere'), ingress: [from('client')] }),
];

describePackets('coverage of a real node', () => {
  let lab: Lab;
  const coverage = async (...args: readonly string[]): Promise<string> =>
    (await lab.run('n1', process.execPath, bundle, 'audit', 'coverage', ...args)).stdout;

  beforeAll(async () => {
    lab = await Lab.create([labNode(1)]);
    for (const [name, host] of [
      ['client', 11],
      ['other', 12],
      ['server', 13],
    ] as const)
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: [`10.244.1.${host}`, `fd00:10:244:1::${host}`] });
    lab.prober.serve(lab.netns('server.x'), 80, 'TCP');
    await lab.writeManifests(join(lab.folder, 'manifests'), { cluster: world });
    await lab.startAgent('n1', { manifests: join(lab.folder, 'manifests') });
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('nothing was hit before a packet came', async () => {
    expect(await coverage()).toContain('3 of 3 never hit');
  });

  test('the rule that allowed and the policies that denied are; what this node does not need is told', async () => {
    const probe = (name: string) => ({ from: lab.netns(name), to: '10.244.1.13', port: 80, protocol: 'TCP' as const });
    expect(await lab.prober.probe([probe('client.x'), probe('other.x')], 400)).toEqual(['allowed', 'blocked']);
    const manifests = join(lab.folder, 'manifests');
    const text = await coverage('--policies', manifests);
    expect(text).toMatch(/^allow {4}x\/server ingress\[1\] {5}0$/m);
    expect(text).toMatch(/^allow {4}x\/elsewhere ingress\[0\] {2}not on this node$/m);
    expect(text).toContain('2 of 4 never hit');
    const { rules } = JSON.parse(await coverage('-o', 'json')) as {
      rules: { what: string; verdict: string; packets: number }[];
    };
    expect(rules).toContainEqual({ what: 'x/server ingress[0]', verdict: 'allow', packets: 1 });
    expect(rules.find(({ verdict }) => verdict === 'deny')).toMatchObject({ what: 'ingress isolated by x/server' });
    expect(rules.find(({ verdict }) => verdict === 'deny')?.packets).toBeGreaterThan(0);
  });
});
