/**
 * nft fails for a while, each in its own way, and the agent goes on: no verdict is wrong meanwhile, no policy is blamed for
 * longer than the fault lasts, and what changed meanwhile is in force soon after.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import type { Lab } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';
import { FailingNft, type Fault } from '../support/lab/failing-nft.js';
import { until } from '../support/until.js';
import { app, threePodsAlone } from './three-pods.js';

const onlyClient = policy('only.x', {
  podSelector: app('server'),
  ingress: [{ from: [{ podSelector: app('client') }], ports: [{ port: 80 }] }],
});
/** The other pod may be reached by nobody, or by the client. */
const aboutOther = (isOpen: boolean): Manifest =>
  policy('other.x', {
    podSelector: app('other'),
    ingress: isOpen ? [{ from: [{ podSelector: app('client') }] }] : [],
  });

describePackets('an agent whose nft', () => {
  let lab: Lab;
  let manifests: string;
  let nft: FailingNft;
  let agent: AgentProcess;
  let isOpen = false;
  const toggle = (): Promise<void> => {
    isOpen = !isOpen;
    return lab.writeManifests(manifests, { other: [aboutOther(isOpen)] });
  };
  const isInForce = async (): Promise<boolean> =>
    (await probe('client.x', 'other.x')) === (isOpen ? 'allowed' : 'blocked');
  const probe = async (from: string, to: string): Promise<string> => {
    const flow = { from: lab.netns(from), to: lab.address(to, 4) ?? '', port: 80, protocol: 'TCP' } as const;
    return (await lab.prober.probe([flow], 200))[0] ?? 'nothing';
  };

  beforeAll(async () => {
    ({ lab, manifests } = await threePodsAlone([onlyClient]));
    lab.prober.serve(lab.netns('other.x'), 80, 'TCP');
    await lab.writeManifests(manifests, { other: [aboutOther(isOpen)] });
    nft = await FailingNft.create(lab.folder);
    agent = await lab.startAgent('n1', { manifests }, { programs: nft.folder });
    await agent.ready();
  }, 60_000);
  afterAll(() => lab[Symbol.asyncDispose](), 60_000);

  const faults: readonly Fault[] = [
    'fails half of the time',
    'is busy',
    'is interrupted',
    'crashes',
    'prints garbage',
    'prints warnings',
    'prints half',
    'is slow',
    'hangs',
    'refuses without a reason',
    'hangs when it lists',
  ];

  test.each(faults)(
    '%s: no wrong verdict, and right again within five seconds after it works',
    async (fault) => {
      const wrong: string[] = [];
      const ending = new AbortController();
      const watching = (async () => {
        while (!ending.signal.aborted) {
          const [allowed, denied] = await Promise.all([probe('client.x', 'server.x'), probe('other.x', 'server.x')]);
          if (allowed !== 'allowed') wrong.push(`client: ${allowed}`);
          if (denied !== 'blocked') wrong.push(`other: ${denied}`);
          await delay(20);
        }
      })();
      await nft.set(fault);
      for (const end = performance.now() + 3_000; performance.now() < end;) {
        await toggle();
        await delay(150);
      }
      await nft.set(undefined);
      const worksSince = performance.now();
      await toggle();
      await until(isInForce, 15_000);
      await until(async () => {
        const { ready, failing, waiting } = await agent.status();
        return ready === true && waiting === 0 && (failing as unknown[]).length === 0;
      }, 15_000);
      const took = performance.now() - worksSince;
      ending.abort();
      await watching;
      expect(wrong).toEqual([]);
      expect(took).toBeLessThan(fault.startsWith('hangs') ? 10_000 : 5_000);
      expect(await nft.mentions(fault)).toBeGreaterThan(0);
    },
    60_000,
  );

  test('does not list for 12 s: a policy is in force at once all the same', async () => {
    await nft.set('hangs when it lists');
    await lab.run('n1', 'nft', 'add chain inet podwall visitor; delete chain inet podwall visitor');
    await until(async () => (await nft.mentions('hangs when it lists')) > 0);
    for (let change = 0; change < 4; change += 1) {
      const seen = agent.lines.length;
      await toggle();
      await agent.applied(seen, 2_000);
      expect(await isInForce()).toBe(true);
    }
    await nft.set(undefined);
  }, 60_000);
});
