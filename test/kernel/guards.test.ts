import { commentOf } from '../../src/nftables/language/comment-text.js';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { openLinks } from '../../src/kernel/links/links.js';
import { openNftClient, type NftClient } from '../../src/kernel/nft/nft-client.js';
import type { Address } from '../../src/model/address.js';
import type { Attachment } from '../../src/model/attachment.js';
import { planGuards } from '../../src/nftables/plan/guard-plan.js';
import { renderGuards, type GuardOptions } from '../../src/nftables/render/guards.js';
import { emptyRuleset } from '../../src/nftables/language/mutable-ruleset.js';
import { printRuleset } from '../../src/nftables/render/ruleset-text.js';
import type { Chain, Ruleset } from '../../src/nftables/language/types.js';
import { GuardTable, type LocalPod } from '../../src/reconciler/guard-table.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import * as libc from '../support/lab/libc.js';
import { describePackets } from '../support/lab/requirements.js';
import { NftNamespace } from './nft-namespace.js';

const noneOff = new Set<string>();

/** Chains that some device has of its own. */
const ofDevices = (names: Iterable<string>): readonly string[] =>
  [...names].filter((name) => /^(claims|guard|to)-/.test(name)).sort();

const byName = (chains: Iterable<Chain>): readonly Chain[] => [...chains].sort((a, b) => (a.name < b.name ? -1 : 1));

/** As nft 1.0.6 lists the chains as JSON: without their device and their comment. */
const asListed = (ruleset: Ruleset): readonly Chain[] =>
  byName(ruleset.chains.values()).map(({ name, hook, rules }) => {
    if (hook === undefined) return { name, rules };
    const { type, hook: where, priority, policy } = hook;
    return { name, hook: { type, hook: where, priority, policy }, rules };
  });

describePackets('guards in a kernel', () => {
  // Also when an expectation fails: a child that is left would hold the test runner.
  const opened: NftClient[] = [];
  afterEach(async () => {
    for (const client of opened.splice(0)) await client.close();
  });
  const attachment = (change: Partial<Attachment>): Attachment => ({
    pod: { namespace: 'shop', name: 'api-0' },
    podUid: 'uid-0',
    device: 'd0',
    ifindex: 0,
    kind: 'bridged',
    bridge: 'cni0',
    addresses: ['10.244.1.11', 'fd00:10:244:1::b'] as Address[],
    ...change,
  });
  const d1 = (addresses: readonly string[]): Attachment =>
    attachment({ device: 'd1', addresses: addresses as Address[], pod: { namespace: 'shop', name: 'web-0' } });

  test.each<[string, Attachment[], Omit<GuardOptions, 'sourceGuardOffNamespaces'>?]>([
    ['both families', []],
    ['IPv4 only', [d1(['10.244.1.12'])]],
    ['IPv6 only', [d1(['fd00:10:244:1::c'])]],
    ['several addresses, in any order', [d1(['10.244.1.12', '9.9.9.9', '192.168.0.1', 'fd00::9', 'fd00::1'])]],
    ['what is dropped is logged', [], { audit: { group: 7, pairRate: 10, pairBurst: 20, pairs: 9, sharedRate: 5 } }],
    [
      'hardware addresses, tunnels, and pods that nobody isolates',
      [{ ...d1(['10.244.1.12', 'fd00::9', '64:ff9b::1']), hardware: '02:00:0a:00:00:01' }],
      {
        isolated: { ingress: new Set(['shop/api-0']), egress: new Set() },
        tunnels: {
          ports: new Set([4789, 6081]),
          nodes: new Set(['192.0.2.1', '2001:db8::1'] as Address[]),
          allowedNamespaces: new Set(['vpn']),
        },
      },
    ],
    [
      'tunnels for some',
      [{ ...d1(['10.244.1.12', 'fd00::9']), pod: { namespace: 'vpn', name: 'a' } }],
      { tunnels: { ports: new Set(), nodes: new Set(), allowedNamespaces: new Set(['vpn']) } },
    ],
  ])(
    '%s: what nft lists is what was rendered, as JSON and as text',
    async (_, more, logging: Omit<GuardOptions, 'sourceGuardOffNamespaces'> = {}) => {
      using kernel = new NftNamespace();
      kernel.run('ip', 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1');
      const desired = renderGuards([attachment({}), ...more], { sourceGuardOffNamespaces: noneOff, ...logging });
      const client = await openNftClient({ command: ['ip', 'netns', 'exec', kernel.name, 'nft'] });
      opened.push(client);
      const listed = async () => (await client.list({ family: 'netdev', table: 'podwall' })) ?? emptyRuleset('netdev');
      const live = new Map([...desired.chains.values()].map(({ hook }) => [hook?.device ?? '', 1]));
      const transaction = planGuards({ desired, applied: undefined, liveDevices: live, hookedIfindex: new Map() });
      if (transaction === undefined) throw new Error('nothing planned');
      await client.apply(transaction);
      expect(asListed(await listed())).toEqual(asListed(desired));
      expect((await listed()).counters).toEqual(desired.counters);
      const text = kernel.run('nft', 'list', 'table', 'netdev', 'podwall');
      for (const { title } of desired.chains.values()) expect(text).toContain(`comment "${commentOf(title ?? '')}"`);
      const hookedIfindex = new Map([...desired.chains.keys()].map((name) => [name, 1]));
      expect(planGuards({ desired, applied: await listed(), liveDevices: live, hookedIfindex })).toBeUndefined();

      kernel.run('nft', 'delete', 'table', 'netdev', 'podwall');
      kernel.load(printRuleset(desired));
      expect(asListed(await listed())).toEqual(asListed(desired));
    },
  );
});

describePackets('guards on the veths of real pods', () => {
  let lab: Lab;
  let client: NftClient;
  let guards: GuardTable;
  let count = 10;
  const nft = (): string[] => ['ip', 'netns', 'exec', lab.netns('n1'), 'nft'];
  const links = () => openLinks(['ip', 'netns', 'exec', lab.netns('n1')]);
  const ipIn = (where: string, ...args: readonly string[]) => lab.run(where, 'ip', ...args);
  const names: string[] = [];
  const addPod = async (name: string): Promise<LocalPod> => {
    count += 1;
    const addresses = [`10.244.1.${count}`, `fd00:10:244:1::${count.toString(16)}`];
    const pod: LabPod = { namespace: 'shop', name, node: 'n1', addresses };
    names.push(`${name}.shop`);
    await lab.addPod(pod);
    return { pod: { namespace: 'shop', name }, podUid: `uid-${count}`, addresses: addresses as Address[] };
  };
  /** Whether the pod reaches its node, by IPv4 and by IPv6. */
  const reaches = async (pod: LocalPod): Promise<string> => {
    const from = lab.netns(`${pod.pod.name}.shop`);
    lab.prober.serve(lab.netns('n1'), 7000, 'UDP');
    // A resolution that a guard has made fail is tried again after a second only, longer than a probe waits.
    for (const where of [`${pod.pod.name}.shop`, 'n1']) await ipIn(where, 'neigh', 'flush', 'nud', 'incomplete');
    for (const where of [`${pod.pod.name}.shop`, 'n1']) await ipIn(where, 'neigh', 'flush', 'nud', 'failed');
    const targets = ['10.244.1.1', 'fd00:10:244:1::1'];
    const outcomes = await lab.prober.probe(targets.map((to) => ({ from, to, port: 7000, protocol: 'UDP' })));
    return outcomes.join(' ');
  };
  const rename = async (device: string, name: string): Promise<void> => {
    await ipIn('n1', 'link', 'set', device, 'down');
    await ipIn('n1', 'link', 'set', device, 'name', name);
    await ipIn('n1', 'link', 'set', name, 'up');
    await delay(50);
  };
  const moveTo = async (pod: LocalPod, from: readonly string[], to: readonly string[]): Promise<void> => {
    const where = `${pod.pod.name}.shop`;
    for (const [index, length] of [24, 64].entries()) {
      await ipIn(where, 'address', 'del', `${from[index] ?? ''}/${length}`, 'dev', 'eth0');
      await ipIn(where, 'address', 'add', `${to[index] ?? ''}/${length}`, 'dev', 'eth0');
    }
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge')]);
    client = await openNftClient({ command: nft() });
  });
  beforeEach(() => {
    guards = new GuardTable(client, links());
  });
  afterEach(async () => {
    for (const name of names.splice(0)) await lab.deletePod(name);
    await guards.converge([], noneOff);
  });
  afterAll(async () => {
    await client.close();
    await lab[Symbol.asyncDispose]();
  });

  test('its own addresses pass, others do not; a pod whose address changes is followed', async () => {
    const pod = await addPod('api');
    const others = ['10.244.1.200', 'fd00:10:244:1::c8'];
    await guards.converge([pod], noneOff);
    expect(await reaches(pod)).toBe('allowed allowed');
    await moveTo(pod, pod.addresses, others);
    expect(await reaches(pod)).toBe('blocked blocked');
    await guards.converge([{ ...pod, addresses: others as Address[] }], noneOff);
    expect(await reaches(pod)).toBe('allowed allowed');
    // The control: without a guard the first move would have passed, too.
    await moveTo(pod, others, pod.addresses);
    expect(await reaches(pod)).toBe('blocked blocked');
    await guards.converge([{ ...pod, addresses: others as Address[] }], new Set(['shop']));
    await lab.run('n1', 'nft', 'delete', 'table', 'netdev', 'podwall');
    expect(await reaches(pod)).toBe('allowed allowed');
  });

  test('a renamed veth: unguarded until the guard is made anew, whose old chain goes', async () => {
    const pod = await addPod('api');
    await guards.converge([pod], noneOff);
    await rename(await lab.device('api.shop'), 'renamed1');
    await moveTo(pod, pod.addresses, ['10.244.1.201', 'fd00:10:244:1::c9']);
    const { changed } = await guards.converge([pod], noneOff);
    expect(changed).toBe(true);
    const chains = ((await client.list({ family: 'netdev', table: 'podwall' })) ?? emptyRuleset('netdev')).chains;
    expect(ofDevices(chains.keys())).toEqual(['claims-renamed1', 'guard-renamed1', 'to-renamed1']);
    expect(await reaches(pod)).toBe('blocked blocked');
  });

  test("a veth of the same name for another pod does not keep the old pod's guard", async () => {
    const old = await addPod('old');
    await rename(await lab.device('old.shop'), 'same0');
    await guards.converge([old], noneOff);
    names.pop();
    await lab.deletePod('old.shop');
    const next = await addPod('next');
    await rename(await lab.device('next.shop'), 'same0');
    // The old guard has hooked the new veth and drops what shows where the pod is, so the first search is in vain.
    let found = await guards.converge([next], noneOff);
    for (let round = 0; round < 40 && found.attachments.length === 0; round += 1) {
      await delay(100);
      found = await guards.converge([next], noneOff);
    }
    expect(found.attachments.map(({ device }) => device)).toEqual(['same0']);
    expect(await reaches(next)).toBe('allowed allowed');
    await moveTo(next, next.addresses, old.addresses);
    expect(await reaches(next)).toBe('blocked blocked');
  });

  test('after a restart of the agent nothing is open, and nothing is left over', async () => {
    const [kept, gone] = [await addPod('kept'), await addPod('gone')];
    await guards.converge([kept, gone], noneOff);
    names.pop();
    await lab.deletePod('gone.shop');
    guards = new GuardTable(client, links());
    await guards.converge([kept], noneOff);
    expect((await guards.converge([kept], noneOff)).changed).toBe(false);
    const device = await lab.device('kept.shop');
    const chains = ((await client.list({ family: 'netdev', table: 'podwall' })) ?? emptyRuleset('netdev')).chains;
    expect(ofDevices(chains.keys())).toEqual([`claims-${device}`, `guard-${device}`, `to-${device}`]);
    expect(await reaches(kept)).toBe('allowed allowed');
  });

  test('broadcast from a neighbour on the bridge reaches a pod only without the egress guard', async () => {
    const [sender, receiver] = [await addPod('sender'), await addPod('receiver')];
    const heard = (): boolean => {
      const inside = (name: string, work: () => number): number => {
        const namespace = libc.openNamespace(lab.netns(`${name}.shop`));
        const fd = libc.inNamespace(namespace, work);
        libc.close(namespace);
        return fd;
      };
      const open = (): number => libc.socket(libc.AF_INET, libc.SOCK_DGRAM);
      const ears = inside('receiver', () => {
        const fd = open();
        libc.bind(fd, libc.socketAddress('0.0.0.0', 7001));
        return fd;
      });
      const mouth = inside('sender', open);
      libc.setOption(mouth, 1, 6, 1);
      libc.sendTo(mouth, Buffer.from('hello'), libc.socketAddress('10.244.1.255', 7001));
      libc.poll([{ fd: ears, events: libc.POLLIN }], 200);
      const received = libc.receive(ears);
      libc.close(ears);
      libc.close(mouth);
      return received !== undefined;
    };
    expect(heard()).toBe(true);
    await guards.converge([sender, receiver], noneOff);
    expect(heard()).toBe(false);
    // Opting out of the source guard does not take the egress guard of the pod.
    await guards.converge([sender, receiver], new Set(['shop']));
    expect(heard()).toBe(false);
  });
});
