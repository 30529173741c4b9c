/** `podwall audit coverage` of a node whose rules met real packets. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { problemsOf } from '../support/schemas.js';
import { app, threePods } from './three-pods.js';
import { bundle } from '../support/product.js';

const from = (name: string): object => ({ from: [{ podSelector: app(name) }] });
const policies: readonly Manifest[] = [
  policy('server.x', { podSelector: app('server'), ingress: [from('client'), from('nobody')] }),
  policy('elsewhere.x', { podSelector: app('elsewhere'), ingress: [from('client')] }),
];

describePackets('coverage of a real node', () => {
  let lab: Lab;
  const coverage = async (...args: readonly string[]): Promise<string> =>
    (await lab.run('n1', process.execPath, bundle, 'audit', 'coverage', ...args)).stdout;

  beforeAll(async () => {
    lab = await threePods(policies);
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('nothing was hit before a packet came', async () => {
    expect(await coverage()).toContain('3 of 3 never hit');
  });

  test('the rule that allowed and the policies that denied are; what this node does not need is listed', async () => {
    const probe = (name: string) => ({ from: lab.netns(name), to: '10.244.1.13', port: 80, protocol: 'TCP' as const });
    expect(await lab.prober.probe([probe('client.x'), probe('other.x')], 400)).toEqual(['allowed', 'blocked']);
    const manifests = join(lab.folder, 'manifests');
    const text = await coverage('--policies', manifests);
    expect(text).toMatch(/^allow {4}x\/server ingress\[1\] {5}0\s*$/m);
    expect(text).toMatch(/^allow {4}x\/elsewhere ingress\[0\] {2}not on this node\s*$/m);
    expect(text).toContain('2 of 4 never hit');
    for (const args of [[], ['--policies', manifests]])
      expect(problemsOf('audit-coverage', JSON.parse(await coverage(...args, '-o', 'json')))).toEqual([]);
    const { rules } = JSON.parse(await coverage('-o', 'json')) as {
      rules: { what: string; verdict: string; packets: number }[];
    };
    expect(rules).toContainEqual({ what: 'x/server ingress[0]', verdict: 'allow', packets: 1 });
    expect(rules.find(({ verdict }) => verdict === 'deny')).toMatchObject({ what: 'ingress isolated by x/server' });
    expect(rules.find(({ verdict }) => verdict === 'deny')?.packets).toBeGreaterThan(0);
  });
});
