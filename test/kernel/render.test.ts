/** What `podwall render` prints for an agent's flags is what that agent holds in the kernel. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { policy } from '../cases/objects.js';
import type { AgentFlags } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { bundle } from '../support/product.js';
import { NftNamespace } from './nft-namespace.js';
import { app, threePods } from './three-pods.js';

const policies = [
  policy('server.x', { podSelector: app('server'), ingress: [{ from: [{ podSelector: app('client') }] }] }),
  policy('blocks.x', {
    podSelector: app('other'),
    egress: [{ to: ['10.0.0.0/8', '192.0.2.0/24'].map((cidr) => ({ ipBlock: { cidr } })) }],
    policyTypes: ['Egress'],
  }),
];

/**
 * The objects of a listed table by name, without what differs between equal rulesets: their order, the number of the verdict
 * cache in use and the caches that are not, and the titles of sets, which the kernel keeps only for intervals.
 */
function objectsOf(listing: string): readonly string[] {
  const [, inUse = ''] = /jump cache-lookup-(\d)/.exec(listing) ?? [];
  const objects = listing.match(/^\t(?:set|map|chain|counter) [^]*?^\t}/gm) ?? [];
  return objects
    .map((object) =>
      object.replaceAll(/\b([\w-]*cache[\w-]*)-(\d)\b/g, (_, name: string, number: string) =>
        number === inUse ? `${name}-in-use` : `${name}-not-in-use`,
      ),
    )
    .filter((object) => !/^\t\w+ \S+-not-in-use /.test(object))
    .map((object) => (/^\t(?:set|map) /.test(object) ? object.replace(/^\t\tcomment .*\n/m, '') : object))
    .sort();
}

describePackets('the ruleset that render prints is the one that an agent with the same flags holds', () => {
  let lab: Lab;
  let manifests: string;
  let plain: string;

  const listedOf = async (flags: AgentFlags): Promise<string> => {
    const agent = await lab.startAgent('n1', { ...flags, manifests });
    const { stdout } = await lab.run('n1', 'nft', '--stateless', 'list', 'table', 'inet', 'podwall');
    await agent.stop();
    // The next agent's cache is of the first generation, too.
    await lab.run('n1', process.execPath, bundle, 'uninstall', '--state-dir', join(lab.folder, 'state-n1'));
    return stdout;
  };
  const rendered = async (flags: AgentFlags): Promise<string> => {
    const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const args = [bundle, 'render', '-f', manifests, '--node', 'n1', ...given];
    const { stdout } = await execa(process.execPath, args);
    using kernel = new NftNamespace();
    kernel.load(stdout);
    return kernel.run('nft', '--stateless', 'list', 'table', 'inet', 'podwall').trimEnd();
  };

  beforeAll(async () => {
    lab = await threePods(policies);
    manifests = join(lab.folder, 'manifests');
    await lab.stopAgents();
    await lab.run('n1', process.execPath, bundle, 'uninstall', '--state-dir', join(lab.folder, 'state-n1'));
    plain = await rendered({});
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  test.each<readonly [what: string, flags: AgentFlags, differs: boolean]>([
    ['none', {}, false],
    ['a dry run', { mode: 'dry-run' }, true],
    ['unknown pods denied', { 'unknown-pods': 'deny', 'pod-cidrs': '10.244.1.0/24,fd00:10:244:1::/64' }, true],
    ['established flows kept', { established: 'keep' }, true],
    ['records', { 'audit-log': 'FOLDER/audit.jsonl' }, true],
    [
      'records with limits of their own',
      {
        audit: 'records',
        'audit-log': 'FOLDER/audit.jsonl',
        'audit-group': '77',
        'audit-rate': '7',
        'audit-burst': '9',
        'audit-pairs': '512',
        'audit-shared-rate': '70',
        'audit-log-maxsize': '3',
        'audit-gzip': 'off',
      },
      true,
    ],
    ['records of a dry run', { mode: 'dry-run', 'audit-log': 'FOLDER/audit.jsonl' }, true],
    ['records that go nowhere', { audit: 'off', 'audit-log': 'FOLDER/audit.jsonl' }, false],
    ['limits that are exceeded', { limits: 'enforce', 'max-policy-cidrs': '1' }, true],
    ['limits of a pod that are not', { limits: 'enforce', 'max-pod-policies': '1' }, false],
  ])(
    '%s',
    async (_, flags, differs) => {
      const placed = Object.fromEntries(
        Object.entries(flags).map(([name, value]) => [name, value.replace('FOLDER', lab.folder)]),
      );
      const [held, printed] = [await listedOf(placed), await rendered(placed)];
      expect(objectsOf(printed)).toEqual(objectsOf(held));
      expect(objectsOf(printed).length).toBeGreaterThan(40);
      expect(printed !== plain).toBe(differs);
    },
    40_000,
  );
});
