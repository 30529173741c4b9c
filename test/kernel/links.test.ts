import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { PodToAttach } from '../../src/kernel/links/attachments.js';
import { runner } from '../../src/kernel/links/link-readings.js';
import { discoverAttachments, openLinks, type DiscoveredPods } from '../../src/kernel/links/links.js';
import type { Address } from '../../src/model/address.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';

const labPod = (node: 'n1' | 'n2', name: string, number: number, families: readonly (4 | 6)[] = [4, 6]): LabPod => ({
  namespace: 'shop',
  name,
  node,
  addresses: families.map((family) =>
    family === 4 ? `10.244.${node.slice(1)}.${number}` : `fd00:10:244:${node.slice(1)}::${number.toString(16)}`,
  ),
});

let uids = 0;
const podOf = ({ namespace, name, addresses }: LabPod): PodToAttach => ({
  pod: { namespace, name },
  podUid: `uid-${(uids += 1)}`,
  addresses: addresses as Address[],
});

const summary = ({ attachments, unattached }: DiscoveredPods): string[] => [
  ...attachments.map(({ pod, kind, device }) => `${pod.name} ${kind} ${device}`),
  ...unattached.map(({ pod, reason }) => `${pod.name} ${reason}`),
];

describePackets('attachments of real CNI plugins', () => {
  let lab: Lab;
  const prefix = (node: string): string[] => ['ip', 'netns', 'exec', lab.netns(node)];
  const ipIn = (where: string, ...args: readonly string[]) => lab.run(where, 'ip', ...args);
  const attach = async (pod: LabPod): Promise<PodToAttach> => {
    await lab.addPod(pod);
    return podOf(pod);
  };
  const names: string[] = [];
  const made = async (...args: Parameters<typeof labPod>): Promise<PodToAttach> => {
    names.push(`${args[1]}.shop`);
    return attach(labPod(...args));
  };

  /** Of n1; `started` are the commands of all its processes until now. */
  const countedLinks = async () => {
    const log = join(lab.folder, 'processes');
    const script = join(lab.folder, 'in-n1');
    await writeFile(log, '');
    await writeFile(script, `#!/bin/sh\necho "$@" >> ${log}\nexec ip netns exec ${lab.netns('n1')} "$@"\n`, {
      mode: 0o755,
    });
    const started = async (): Promise<readonly string[]> => (await readFile(log, 'utf8')).split('\n').slice(0, -1);
    return { links: openLinks([script]), started };
  };

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
  });
  afterEach(async () => {
    for (const name of names.splice(0)) await lab.deletePod(name);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test('ptp: routed, by either family', async () => {
    const pods = [await made('n2', 'both', 11), await made('n2', 'four', 12, [4]), await made('n2', 'six', 13, [6])];
    expect(summary(await discoverAttachments(pods, runner(prefix('n2'))))).toEqual([
      `both routed ${await lab.device('both.shop')}`,
      `four routed ${await lab.device('four.shop')}`,
      `six routed ${await lab.device('six.shop')}`,
    ]);
  });

  test('bridge: pods that have never spoken are asked, by either family', async () => {
    const pods = [await made('n1', 'both', 11), await made('n1', 'four', 12, [4]), await made('n1', 'six', 13, [6])];
    await ipIn('n1', 'neigh', 'flush', 'all');
    await lab.run('n1', 'ip', 'link', 'set', await lab.device('four.shop'), 'type', 'bridge_slave', 'fdb_flush');
    expect(summary(await discoverAttachments(pods, runner(prefix('n1'))))).toEqual([
      `both bridged ${await lab.device('both.shop')}`,
      `four bridged ${await lab.device('four.shop')}`,
      `six bridged ${await lab.device('six.shop')}`,
    ]);
  });

  test('a stale neighbour entry does not hide a new pod with an old address', async () => {
    await made('n1', 'old', 21);
    const links = openLinks(prefix('n1'));
    await ipIn('n1', 'neigh', 'replace', '10.244.1.21', 'dev', 'cni0', 'lladdr', '02:00:00:00:00:99', 'nud', 'stale');
    const next = podOf(labPod('n1', 'old', 21, [4]));
    expect(summary(await links.discover([next]))).toEqual([`old bridged ${await lab.device('old.shop')}`]);
  });

  test('what guards need of links beside a discovery starts no process: a change of policies must not', async () => {
    const { links, started } = await countedLinks();
    await links.discover([]);
    const before = await started();
    expect(before).toContain('ip -j fou show');
    expect((await links.devices()).size).toBeGreaterThan(0);
    expect(await links.tunnelPorts()).toEqual(new Set());
    expect(await started()).toEqual(before);
  });

  test('a pod that does not answer is waited for once, and its answer wakes', async () => {
    const pod = await made('n1', 'mute', 31, [4]);
    await ipIn('mute.shop', 'link', 'set', 'eth0', 'down');
    await ipIn('n1', 'neigh', 'flush', 'all');
    const { links, started } = await countedLinks();
    const first = await links.discover([pod]);
    expect(summary(first)).toEqual([expect.stringMatching(/^mute (10\.244\.1\.31 has not answered|bridge)/)]);
    const before = await started();
    await links.discover([pod]);
    // While it waits for an answer it reads the tables again and again.
    const after = (await started()).slice(before.length);
    expect(after).toHaveLength(new Set(after).size);
    let wakes = 0;
    using watch = links.watch(() => (wakes += 1));
    expect(watch).toBeDefined();
    await delay(300);
    await ipIn('mute.shop', 'link', 'set', 'eth0', 'up');
    let found = first;
    for (let round = 0; round < 50 && found.attachments.length === 0; round += 1) {
      await delay(100);
      found = await links.discover([pod]);
    }
    expect(summary(found)).toEqual([`mute bridged ${await lab.device('mute.shop')}`]);
    expect(wakes).toBeGreaterThan(0);
  });

  test('renamed; deleted and made anew under the same name for another pod', async () => {
    const pod = await made('n1', 'first', 41);
    const links = openLinks(prefix('n1'));
    await links.discover([pod]);
    const device = await lab.device('first.shop');
    await ipIn('n1', 'link', 'set', device, 'down');
    await ipIn('n1', 'link', 'set', device, 'name', 'renamed0');
    await ipIn('n1', 'link', 'set', 'renamed0', 'up');
    const renamed = await links.discover([pod]);
    expect(summary(renamed)).toEqual(['first bridged renamed0']);

    names.pop();
    await lab.deletePod('first.shop');
    const next = await made('n1', 'second', 42);
    const made2 = await lab.device('second.shop');
    await ipIn('n1', 'link', 'set', made2, 'down');
    await ipIn('n1', 'link', 'set', made2, 'name', 'renamed0');
    await ipIn('n1', 'link', 'set', 'renamed0', 'up');
    const found = await links.discover([pod, next]);
    expect(found.attachments.map(({ pod: { name }, device: on }) => `${name} ${on}`)).toEqual(['second renamed0']);
    expect(found.attachments[0]?.ifindex).not.toBe(renamed.attachments[0]?.ifindex);
    expect((await links.devices()).get('renamed0')).toBe(found.attachments[0]?.ifindex);
    expect(found.unattached.map(({ pod: { name } }) => name)).toEqual(['first']);
  });

  test("a pod that sends with another's hardware address does not get its place", async () => {
    const [victim, thief] = [await made('n1', 'victim', 51), await made('n1', 'thief', 52)];
    const links = openLinks(prefix('n1'));
    const before = summary(await links.discover([victim, thief]));
    const mac = (await lab.run('victim.shop', 'cat', '/sys/class/net/eth0/address')).stdout.trim();
    await ipIn('thief.shop', 'link', 'set', 'eth0', 'address', mac);
    const stolen = new RegExp(`^${mac} dev ${await lab.device('thief.shop')} `, 'm');
    let learned = '';
    // The control: the bridge has indeed learned it there. A victim that speaks takes it back, so the thief repeats.
    for (let round = 0; round < 20 && !stolen.test(learned); round += 1) {
      await ipIn('thief.shop', 'neigh', 'flush', 'dev', 'eth0');
      await ipIn('thief.shop', 'neigh', 'replace', '10.244.1.1', 'dev', 'eth0', 'use');
      await delay(50);
      learned = (await lab.run('n1', 'bridge', 'fdb', 'show', 'br', 'cni0')).stdout;
    }
    expect(learned).toMatch(stolen);
    expect(summary(await links.discover([victim, thief]))).toEqual(before);
  });

  test('a device that is no veth, and a pod that is nowhere, with what was seen', async () => {
    const pods = [podOf(labPod('n2', 'wide', 61, [4])), podOf(labPod('n1', 'remote', 61, [4]))];
    await ipIn('n2', 'link', 'add', 'mac0', 'link', 'uplink', 'type', 'macvlan', 'mode', 'bridge');
    await ipIn('n2', 'link', 'set', 'mac0', 'up');
    await ipIn('n2', 'route', 'add', '10.244.2.61/32', 'dev', 'mac0');
    expect(summary(await discoverAttachments(pods, runner(prefix('n2'))))).toEqual([
      'wide 10.244.2.61 is behind macvlan mac0, not behind a veth of this node: its traffic is not seen here',
      "remote 10.244.1.61 has no route of its own, only 10.244.1.0/24 by veth uplink: another node's or network's",
    ]);
    await ipIn('n2', 'link', 'del', 'mac0');
  });

  test('a route in a table of its own is found by asking the kernel', async () => {
    const pod = await made('n2', 'policy', 71, [4]);
    const device = await lab.device('policy.shop');
    await ipIn('n2', 'route', 'del', '10.244.2.71');
    await ipIn('n2', 'route', 'add', '10.244.2.71/32', 'dev', device, 'table', '100');
    const run = runner(prefix('n2'));
    expect(summary(await discoverAttachments([pod], run))).toEqual(['policy no route to 10.244.2.71']);
    await ipIn('n2', 'rule', 'add', 'to', '10.244.2.71', 'lookup', '100');
    expect(summary(await discoverAttachments([pod], run))).toEqual([`policy routed ${device}`]);
    await ipIn('n2', 'rule', 'del', 'to', '10.244.2.71', 'lookup', '100');
  });

  test('link and route events wake, and a watcher that was killed comes back', async () => {
    const links = openLinks(prefix('n2'));
    let wakes = 0;
    using watch = links.watch(() => (wakes += 1));
    const wokenBy = async (act: () => unknown): Promise<boolean> => {
      await delay(100);
      const before = wakes;
      await act();
      for (let round = 0; round < 30 && wakes === before; round += 1) await delay(50);
      return wakes > before;
    };
    await delay(300);
    expect(await wokenBy(() => ipIn('n2', 'link', 'add', 'd0', 'type', 'veth', 'peer', 'name', 'd1'))).toBe(true);
    expect(await wokenBy(() => ipIn('n2', 'link', 'set', 'd0', 'up'))).toBe(true);
    expect(await wokenBy(() => ipIn('n2', 'route', 'add', '10.1.1.1/32', 'dev', 'd0'))).toBe(true);
    // Neighbours matter only while a pod is searched.
    await delay(200);
    const quiet = wakes;
    await ipIn('n2', 'neigh', 'add', '10.1.1.2', 'dev', 'd0', 'lladdr', '02:00:00:00:00:02');
    await delay(200);
    expect(wakes).toBe(quiet);
    const pids = async (): Promise<string> => (await execa('ip', ['netns', 'pids', lab.netns('n2')])).stdout;
    const monitor = Number(await pids());
    expect(monitor).toBeGreaterThan(0);
    expect(await wokenBy(() => process.kill(monitor))).toBe(true);
    await delay(300);
    expect(await wokenBy(() => ipIn('n2', 'link', 'del', 'd0'))).toBe(true);
    watch[Symbol.dispose]();
    await delay(200);
    expect(await pids()).toBe('');
  }, 15_000);
});
