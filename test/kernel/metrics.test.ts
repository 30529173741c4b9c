/** What Prometheus reads of a real agent while it enforces. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { metricNames } from '../../src/node/metrics/metric-names.js';
import { policy, inDryRun } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { app, threePods } from './three-pods.js';

const policies: readonly Manifest[] = [
  policy('server.x', { podSelector: app('server'), ingress: [{ from: [{ podSelector: app('client') }] }] }),
  policy('broken.x', { podSelector: app('nobody'), ingress: [{ ports: [{ port: 0 }] }] }),
  inDryRun(policy('more.x', { podSelector: app('server'), ingress: [{ from: [{ podSelector: app('other') }] }] })),
  inDryRun(policy('less.x', { podSelector: app('other'), policyTypes: ['Egress'] })),
];

describePackets('metrics of a real agent', () => {
  let lab: Lab;
  const ask = async (path: string): Promise<string> => {
    const script = `fetch('http://127.0.0.1:9808${path}').then(async (r) => process.stdout.write(r.status + ' ' + await r.text()))`;
    return (await lab.run('n1', process.execPath, '-e', script)).stdout;
  };
  /** Value of a series, by its name and labels as they are printed. */
  const valueOf = (text: string, series: string): number | undefined => {
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  };

  beforeAll(async () => {
    lab = await threePods(policies, (folder) => ({ 'audit-log': join(folder, 'audit.jsonl') }));
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test('it is alive and ready', async () => {
    expect(await ask('/healthz')).toBe('200 ok');
    expect(await ask('/readyz')).toBe('200 ok');
  });

  test('every metric has a value, and they are those of this cluster', async () => {
    const probes = ['client.x', 'other.x'].map((name) => ({
      from: lab.netns(name),
      to: '10.244.1.13',
      port: 80,
      protocol: 'TCP' as const,
    }));
    expect(await lab.prober.probe(probes, 400)).toEqual(['allowed', 'blocked']);
    const text = await ask('/metrics');
    // Nothing is read from an API server here, and nothing failed.
    for (const [key, [name]] of Object.entries(metricNames))
      if (!['restarts', 'received', 'reportFailures', 'childRestarts'].includes(key))
        expect(text).toMatch(new RegExp(`^${name}(_count|\\{.*\\})? `, 'm'));
    expect(valueOf(text, 'podwall_policies')).toBe(4);
    expect(valueOf(text, 'podwall_policies_failing_closed')).toBe(1);
    expect(valueOf(text, 'podwall_endpoints')).toBe(3);
    expect(valueOf(text, 'podwall_ready')).toBe(1);
    expect(valueOf(text, 'podwall_source_staleness_seconds')).toBe(0);
    expect(valueOf(text, 'podwall_network_programming_duration_seconds_count')).toBe(1);
    expect(valueOf(text, 'podwall_nft_rules')).toBeGreaterThan(50);
    expect(valueOf(text, 'podwall_nft_transactions_total{outcome="applied"}')).toBeGreaterThan(0);
    expect(valueOf(text, 'podwall_policy_allowed_packets_total{direction="ingress",policy="x/server"}')).toBe(1);
    expect(valueOf(text, 'podwall_policy_denied_packets_total{direction="ingress",policy="x/server"}')).toBeGreaterThan(
      0,
    );
    const ofDryRun = (verdict: string, labels: string): number | undefined =>
      valueOf(text, `podwall_policy_dry_run_${verdict}_packets_total{${labels}}`);
    expect(ofDryRun('allowed', 'direction="ingress",policy="x/more"')).toBeGreaterThan(0);
    expect(ofDryRun('denied', 'direction="egress",policy="x/less"')).toBeGreaterThan(0);
  });
});
