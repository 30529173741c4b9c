/** The chart as helm sees it: lint, what it renders, and the values that it refuses. */
import { describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { chartFolder, combinations, helm, missingHelm, objectsOf, release, template } from './chart.js';
import { standardLimits } from '../../src/limits/limits.js';
import { standardPolicyMemory } from '../../src/limits/memory-weights.js';
import { metricNames } from '../../src/node/metrics/metric-names.js';
import { daemonSetOf } from './daemon-set.js';

const suite = missingHelm === undefined ? describe : describe.skip;
const golden = (name: string): string => join(import.meta.dirname, 'golden', `${name}.yaml`);

suite(`the chart${missingHelm === undefined ? '' : ` [${missingHelm}]`}`, () => {
  test.each(Object.entries(combinations))('lints without a warning: %s', async (_name, values) => {
    const { stdout } = await helm(['lint', '--strict', chartFolder], values);
    expect(stdout).toContain('0 chart(s) failed');
    expect(stdout).not.toMatch(/\[(WARNING|ERROR)\]/);
  });

  // `GOLDEN=write npx jest test/helm` writes the files anew; what changed is then read in the diff.
  test.each(Object.entries(combinations))('renders what the golden file says: %s', async (name, values) => {
    const rendered = await template(values);
    if (process.env['GOLDEN'] === 'write') await writeFile(golden(name), rendered);
    expect(rendered).toBe(await readFile(golden(name), 'utf8'));
  });

  test('chart, image and agent have one version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const { stdout } = await helm(['show', 'chart', chartFolder]);
    expect(parse(stdout)).toMatchObject({ version, appVersion: version });
  });

  test('every limit is a value, with the default of the flag', async () => {
    const { stdout } = await helm(['show', 'values', chartFolder]);
    const { agent } = parse(stdout) as { agent: { limits: unknown } };
    expect(agent.limits).toEqual({ mode: 'warn', ...standardLimits, policyMemory: standardPolicyMemory / 1e6 });
  });

  test('a pod of `helm test` is none that the DaemonSet would adopt', async () => {
    const objects = objectsOf(await template([]));
    const labels = objects.find(({ kind }) => kind === 'Pod')?.metadata.labels;
    expect(labels).toBeDefined();
    expect(labels).not.toMatchObject(daemonSetOf(objects).spec.selector.matchLabels);
  });

  test('dashboard and alerts ask for metrics that there are', async () => {
    const rendered = await template(combinations['monitored'] ?? []);
    const names = new Set<string>(Object.values(metricNames).map(([name]) => name));
    const asked = [...rendered.matchAll(/\b(?:podwall|process)_[a-z_]+/g)].map(([name]) =>
      name.replace(/_bucket$/, ''),
    );
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((name) => !names.has(name))).toEqual([]);
  });

  test('the notes say how to see it working, and how to leave no rules', async () => {
    const notes = async (values: readonly string[]): Promise<string> =>
      (await helm(['install', release.name, chartFolder, '--dry-run=client', '--namespace', 'net'], values)).stdout;
    expect(await notes([])).toContain('kubectl --namespace net exec daemonset/podwall -- podwall status');
    expect(await notes([])).toContain('--set uninstall=true');
    expect(await notes([])).not.toContain('dry run');
    expect(await notes(['agent.mode=dry-run'])).toContain('NOTHING IS DROPPED');
    expect(await notes(['uninstall=true'])).toContain('rollout status daemonset/podwall');
  });
});

/** A value that makes no sense, and the field that the refusal must name. */
const refused: readonly (readonly [value: string, field: string])[] = [
  ['agent.unknownPods=maybe', '/agent/unknownPods'],
  ['agent.unknownPodz=deny', "'unknownPodz' not allowed"],
  ['agent.established=true', '/agent/established'],
  ['agent.untracked=allow', '/agent/untracked'],
  ['agent.sourceGuard=true', '/agent/sourceGuard'],
  ['agent.tunnelPorts={0}', '/agent/tunnelPorts/0'],
  ['agent.tunnelPorts={vxlan}', '/agent/tunnelPorts/0'],
  ['agent.allowPodTunnels={Vpn}', '/agent/allowPodTunnels/0'],
  ['agent.limits.mode=refuse', '/agent/limits/mode'],
  ['agent.limits.policyCidrs=0', '/agent/limits/policyCidrs'],
  ['agent.limits.policyCidr=5', "'policyCidr' not allowed"],
  ['agent.bridgeNetfilter=off', '/agent/bridgeNetfilter'],
  ['agent.logLevel=loud', '/agent/logLevel'],
  ['agent.cniCacheDir=results', '/agent/cniCacheDir'],
  ['audit.log=syslog', '/audit/log'],
  ['audit.logMaxBackup=-1', '/audit/logMaxBackup'],
  ['audit.senderRate=0', '/audit/senderRate'],
  ['audit.scanMaxSize=-1', '/audit/scanMaxSize'],
  ['audit.logRotateAfter=24', '/audit/logRotateAfter'],
  ['audit.logMaxAge=24h', '/audit/logMaxAge'],
  ['nodePolicyStatus.enabled=yes', '/nodePolicyStatus/enabled'],
  ['events=off', '/events'],
  ['metrics.port=0', '/metrics/port'],
  ['agent.stateDir=run/podwall', '/agent/stateDir'],
  ['agent.stateDir=/', '/agent/stateDir'],
  ['agent.podCIDRs={10.244.0.0}', '/agent/podCIDRs/0'],
  ['agent.podCIDRs={10.244.0.0/33}', '/agent/podCIDRs/0'],
  ['agent.podCIDRs={10.244.0.256/24}', '/agent/podCIDRs/0'],
  ['agent.podCIDRs={fd00::/129}', '/agent/podCIDRs/0'],
  // Nothing else can be mounted there: transactions are.
  ['agent.stateDir=/tmp', '/agent/stateDir'],
  ['audit.logDir=/tmp', '/audit/logDir'],
  ['audit.logDir=/run/podwall', 'audit.logDir and agent.stateDir are the same folder'],
  ['agent.podCIDRs=10.244.0.0/16', '/agent/podCIDRs'],
  ['image.repository=', '/image/repository'],
  ['image.digest=latest', '/image/digest'],
  ['image.pullPolicy=Sometimes', '/image/pullPolicy'],
  ['updateStrategy.maxUnavailable=0', '/updateStrategy/maxUnavailable'],
  ['updateStrategy.maxUnavailable=some', '/updateStrategy/maxUnavailable'],
  ['updateStrategy.maxUnavailable=0%', '/updateStrategy/maxUnavailable'],
  ['resources.limits.memory=much', '/resources/limits/memory'],
  ['terminationGracePeriodSeconds=1', '/terminationGracePeriodSeconds'],
  ['tolerations=all', '/tolerations'],
  ['uninstall=1', '/uninstall'],
  ['podwal.unknownPods=deny', "'podwal' not allowed"],
];

suite('values that make no sense', () => {
  test.each(refused)('%s is refused by its name', async (value, field) => {
    await expect(template([value])).rejects.toThrow(field);
  });
});

/** A value under its previous name, and the new one that the refusal must give. */
const renamed: readonly (readonly [value: string, use: string])[] = [
  ['audit.maxAge=24', 'audit.maxAge: use audit.logRotateAfter for the age at which the file is rotated (as 24h)'],
  ['audit.maxSize=100', 'audit.maxSize: use audit.logMaxSize'],
  ['audit.keep=10', 'audit.keep: use audit.logMaxBackup'],
  ['agent.cniResults=/var/lib/cni/results', 'agent.cniResults: use agent.cniCacheDir'],
  ['agent.mode=audit', 'agent.mode=audit: use agent.mode=dry-run'],
  ['agent.established=cut', 'agent.established=cut: use agent.established=reevaluate'],
];

suite('values under their previous names', () => {
  test.each(renamed)('%s is refused with the new name', async (value, use) => {
    await expect(template([value])).rejects.toThrow(use);
    await expect(template([value, 'uninstall=true'])).rejects.toThrow(use);
  });
});
