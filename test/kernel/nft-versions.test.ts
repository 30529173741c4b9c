/**
 * Other versions of nft: each lists what it was given without a difference, the system's own reads that too, and an agent
 * moves from one to the other and back without a repair, and without a wrong verdict.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { openNftClient } from '../../src/kernel/nft/nft-client.js';
import type { Address } from '../../src/model/address.js';
import type { Attachment } from '../../src/model/attachment.js';
import type { Ruleset } from '../../src/nftables/language/types.js';
import { findDrift } from '../../src/nftables/plan/drift.js';
import { planGuards } from '../../src/nftables/plan/guard-plan.js';
import { planReplacement } from '../../src/nftables/plan/plan.js';
import { noneDirty } from '../../src/nftables/render/dirty.js';
import { renderGuards } from '../../src/nftables/render/guards.js';
import { render, type RenderOptions } from '../../src/nftables/render/renderer.js';
import { nftReleases, provideNft } from '../build/packages/nft-releases.js';
import { policy } from '../cases/objects.js';
import { titledPrograms } from '../nftables/example-programs.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';
import { NftNamespace } from './nft-namespace.js';
import { app, threePodsAlone } from './three-pods.js';

const logged: RenderOptions = {
  established: 'reevaluate',
  audit: { group: 100, pairRate: 10, pairBurst: 20, pairs: 4096, sharedRate: 50 },
};
const bridgedPod: Attachment = {
  pod: { namespace: 'shop', name: 'api-0' },
  podUid: 'uid-0',
  device: 'd0',
  ifindex: 1,
  kind: 'bridged',
  bridge: 'cni0',
  hardware: '02:00:0a:00:00:01',
  addresses: ['10.244.1.11', 'fd00:10:244:1::b'] as Address[],
};
const nodeAddresses = ['192.0.2.1', '2001:db8::1'] as Address[];
const onlyClient = policy('only.x', {
  podSelector: app('server'),
  ingress: [{ from: [{ podSelector: app('client') }], ports: [{ port: 80 }] }],
});

const alsoOther = policy('also.x', { podSelector: app('other') });

const releases = await Promise.all(
  nftReleases.map(async (release) => ({ release, programs: await provideNft(release) })),
);

for (const { release, programs } of releases) {
  const missing = programs === undefined ? `nft of Debian ${release} is not available here` : undefined;

  describePackets(
    `nft of Debian ${release}`,
    () => {
      const nft = `${programs}/nft`;

      test('it and the system list every example as it was rendered', async () => {
        using kernel = new NftNamespace();
        const client = await openNftClient({ command: ['ip', 'netns', 'exec', kernel.name, nft] });
        for (const [title, program] of titledPrograms) {
          const desired = render(program, logged);
          await client.apply(planReplacement(desired));
          const listed = await client.list({ family: 'inet', table: 'podwall' });
          expect([title, differences(desired, listed)]).toEqual([title, noneDirty()]);
          expect([title, differences(desired, kernel.list())]).toEqual([title, noneDirty()]);
        }
        await client.close();
      }, 60_000);

      test('it and the system list guards as they were rendered', async () => {
        using kernel = new NftNamespace();
        kernel.run('ip', 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
        const client = await openNftClient({ command: ['ip', 'netns', 'exec', kernel.name, nft] });
        const system = await openNftClient({ command: ['ip', 'netns', 'exec', kernel.name, 'nft'] });
        const desired = renderGuards([bridgedPod], {
          sourceGuardOffNamespaces: new Set(),
          isolated: { ingress: new Set(), egress: new Set() },
          tunnels: { ports: new Set([4789]), nodes: new Set(nodeAddresses), allowedNamespaces: new Set() },
          ...logged,
        });
        const [liveDevices, hookedIfindex] = [
          new Map([['d0', 1]]),
          new Map([...desired.chains.keys()].map((name) => [name, 1])),
        ];
        const plan = (applied: Ruleset | undefined) => planGuards({ desired, applied, liveDevices, hookedIfindex });
        const transaction = plan(undefined);
        if (transaction === undefined) throw new Error('nothing is planned');
        await client.apply(transaction);
        for (const one of [client, system]) {
          expect(plan(await one.list({ family: 'netdev', table: 'podwall' }))).toBeUndefined();
          await one.close();
        }
      });

      test('says what is wrong with a transaction, and takes the next', async () => {
        using kernel = new NftNamespace();
        const client = await openNftClient({ command: ['ip', 'netns', 'exec', kernel.name, nft] });
        const table = { family: 'inet', table: 'podwall', effect: 'none' } as const;
        await client.apply({ ...table, commands: [{ kind: 'add table' }] });
        const wrong = client.apply({ ...table, commands: [{ kind: 'flush chain', name: 'nowhere' }] });
        await expect(wrong).rejects.toMatchObject({
          reason: 'refused',
          message: expect.stringMatching(/^Error: .*No such file or directory\nflush chain inet podwall nowhere/),
        });
        await client.apply({ ...table, commands: [{ kind: 'add chain', name: 'somewhere' }] });
        expect([...((await client.list({ family: 'inet', table: 'podwall' }))?.chains.keys() ?? [])]).toEqual([
          'somewhere',
        ]);
        await client.close();
      });

      describeMoves(programs ?? '');
    },
    missing,
  );
}

function describeMoves(programs: string): void {
  let lab: Lab;
  let manifests: string;
  let agent: AgentProcess;
  beforeAll(async () => {
    ({ lab, manifests } = await threePodsAlone([onlyClient]));
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  const start = async (folder?: string): Promise<void> => {
    agent = await lab.startAgent('n1', { manifests }, folder === undefined ? {} : { programs: folder });
    await agent.ready();
  };
  const outcomes = (): Promise<string[]> =>
    lab.prober.probe(
      ['client.x', 'other.x'].flatMap((from) =>
        [4, 6].map((family) => ({
          from: lab.netns(from),
          to: lab.address('server.x', family as 4 | 6) ?? '',
          port: 80,
          protocol: 'TCP' as const,
        })),
      ),
    );
  const enforced = ['allowed', 'allowed', 'blocked', 'blocked'];
  const foreign = async (): Promise<void> => {
    const both = 'add chain inet podwall visitor; delete chain inet podwall visitor';
    await lab.run('n1', 'nft', both);
  };

  test('an agent moves from the system’s nft to this one and back; nothing is repaired that nobody damaged', async () => {
    for (const folder of [undefined, programs, undefined]) {
      await start(folder);
      expect(await outcomes()).toEqual(enforced);
      // Another process that changes nothing in the end makes the agent read the kernel.
      await foreign();
      await delay(500);
      expect(await agent.status()).toMatchObject({ ready: true, repairs: 0, failures: 0 });
      await lab.run('n1', 'nft', 'flush chain inet podwall forward');
      await until(async () => (await agent.status())['repairs'] === 1);
      expect(await outcomes()).toEqual(enforced);
      const seen = agent.lines.length;
      await lab.writeManifests(manifests, { more: folder === programs ? [] : [alsoOther] });
      await agent.applied(seen);
      expect(await outcomes()).toEqual(enforced);
      await lab.stopAgents();
      expect(await outcomes()).toEqual(enforced);
    }
  }, 120_000);
}

const differences = (desired: Ruleset, listed: Ruleset | undefined): unknown =>
  listed === undefined ? 'no table' : findDrift(desired, listed);
