/** The lab without Podwall: everything reaches everything, and its tools see what is there. The control of all tests. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Heading } from '../support/lab/flows.js';
import { Lab, labNode, type LabPod } from '../support/lab/lab.js';
import { namespacesWith, processesIn } from '../support/runs.mjs';
import type { Probe, ProbeProtocol } from '../support/lab/prober.js';
import { describePackets } from '../support/lab/requirements.js';
import { describeWrong, settle, watch, type ExpectedProbe } from '../support/lab/table.js';

const protocols: readonly ProbeProtocol[] = ['TCP', 'UDP', 'SCTP', 'ICMP'];
const port = 8080;
const pod = (name: string, node: 1 | 2, host: number): LabPod => ({
  namespace: 'x',
  name,
  node: `n${node}`,
  addresses: [`10.244.${node}.${host}`, `fd00:10:244:${node}::${host}`],
});
const a = pod('a', 1, 11);
const b = pod('b', 1, 12);
const c = pod('c', 2, 11);
const d = pod('d', 2, 12);
const [a4 = '', a6 = ''] = a.addresses;
const [b4 = '', b6 = ''] = b.addresses;
const [c4 = '', c6 = ''] = c.addresses;
describePackets('the lab: bridged pods on one node, routed pods on the other, no Podwall', () => {
  let lab: Lab;
  const in_ = (name: string): string => lab.netns(name);
  /** One rule in the way of what the first node forwards. */
  const obstruct = (rule: string) =>
    lab.run(
      'n1',
      'nft',
      `add table ip lab; add chain ip lab forward { type filter hook forward priority 0; }; add rule ip lab forward ${rule}`,
    );
  const clear = () => lab.run('n1', 'nft', 'delete', 'table', 'ip', 'lab');
  const probe = (from: string, to: string, protocol: ProbeProtocol = 'TCP'): Probe => ({
    from: in_(from),
    to,
    port,
    protocol,
  });
  const expected = (cell: Probe, outcome: ExpectedProbe['expected']): ExpectedProbe => ({ ...cell, expected: outcome });

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    await lab.addPods([a, b, c, d]);
    for (const place of ['a.x', 'b.x', 'c.x', 'd.x', 'n1', 'n2', 'outside'])
      for (const protocol of protocols) lab.prober.serve(in_(place), port, protocol);
  }, 60_000);
  afterAll(async () => {
    const names = namespacesWith(in_('n1').slice(0, -2));
    expect(names.length).toBeGreaterThan(0);
    await lab[Symbol.asyncDispose]();
    expect(namespacesWith(in_('n1').slice(0, -2))).toEqual([]);
  }, 60_000);

  test('every pod, node and outside host reaches every other, by every protocol and family', async () => {
    const places = [
      ...[a, b, c, d].map(({ name, addresses }) => ({ name: `${name}.x`, addresses })),
      ...['n1', 'n2'].map((name) => ({ name, addresses: lab.node(name).addresses })),
      { name: 'outside', addresses: ['172.30.0.100', 'fd00:172:30::100'] },
    ];
    const cells = places.flatMap(({ name }) =>
      places.flatMap(({ addresses }) =>
        addresses.flatMap((to) => protocols.map((protocol) => expected(probe(name, to, protocol), 'allowed'))),
      ),
    );
    expect(cells).toHaveLength(7 * 7 * 2 * 4);
    const { wrong } = await settle(lab.prober, cells, { within: 5000, timeout: 900 });
    expect(wrong.map(describeWrong)).toEqual([]);
  }, 30_000);

  test('where nobody listens, TCP and UDP are refused; nobody answers for an address that no one has', async () => {
    const at = (to: string, protocol: ProbeProtocol): Probe => ({ ...probe('a.x', to, protocol), port: 9 });
    const cells = [at(c4, 'TCP'), at(c6, 'TCP'), at(c4, 'UDP'), at(b6, 'UDP'), probe('a.x', '10.244.2.99')];
    expect(await lab.prober.probe(cells)).toEqual(['refused', 'refused', 'refused', 'refused', 'blocked']);
  });

  test('an ICMP error is no connection', async () => {
    await obstruct(`ip daddr ${c4} reject with icmp type host-unreachable`);
    expect(await lab.prober.probe([probe('a.x', c4)])).toEqual(['blocked']);
    await clear();
  });

  test('a source port can be used again at once, and is the one that arrives', async () => {
    const cell: Probe = { ...probe('a.x', c4), sourcePort: 15 };
    await obstruct('tcp dport 8080 tcp sport != 15 drop');
    for (let round = 0; round < 3; round += 1)
      expect(await lab.prober.probe([cell, probe('a.x', c4)], 200)).toEqual(['allowed', 'blocked']);
    await clear();
  });

  test('a stream and a UDP flow carry both ways, are cut one way, and live again', async () => {
    using stream = await lab.prober.openStream({ from: in_('a.x'), to: c4, port });
    using udp = lab.prober.openUdpFlow({ from: in_('a.x'), to: c4, port, server: in_('c.x') });
    if (stream === undefined) throw new Error('no stream');
    const carried = async (): Promise<boolean[]> => {
      const found: boolean[] = [];
      for (const heading of ['toServer', 'toClient'] satisfies Heading[])
        for (const flow of [stream, udp]) found.push(await flow.carries(heading, 250));
      return found;
    };
    expect(await carried()).toEqual([true, true, true, true]);
    await obstruct(`ip saddr ${a4} drop`);
    expect(await carried()).toEqual([false, false, true, true]);
    await clear();
    expect(await udp.carries('toServer')).toBe(true);
    // What was lost of the stream is sent again by the client's kernel, later and later.
    expect(await stream.carries('toServer', 3000)).toBe(true);
    stream.reset();
    await delay(50);
    expect(await stream.carries('toClient')).toBe(false);
  }, 15_000);

  test('a stream can be opened and held while a table is being asked', async () => {
    const cells = [expected(probe('b.x', c4), 'allowed'), expected(probe('b.x', a6), 'allowed')];
    const { wrong, rounds } = await watch(lab.prober, cells, async () => {
      using stream = await lab.prober.openStream({ from: in_('a.x'), to: c6, port });
      expect(await stream?.carries('toServer')).toBe(true);
    });
    expect(wrong).toEqual([]);
    expect(rounds).toBeGreaterThanOrEqual(2);
  });

  test('a watch sees a verdict that is wrong for a moment; settle waits for the right one', async () => {
    const cells = [expected(probe('a.x', c4, 'UDP'), 'allowed'), expected(probe('a.x', b4), 'allowed')];
    const { wrong } = await watch(lab.prober, cells, async () => {
      await obstruct(`ip daddr ${c4} drop`);
      await delay(300);
      await clear();
    });
    expect(new Set(wrong.map(({ probe: { to } }) => to))).toEqual(new Set([c4]));
    await obstruct(`ip daddr ${c4} drop`);
    const never = await settle(lab.prober, cells, { within: 100, timeout: 100 });
    expect(never.wrong.map(describeWrong)).toEqual([`${in_('a.x')} -> ${c4} UDP ${port}: blocked instead of allowed`]);
    const [{ seconds, wrong: after }] = await Promise.all([settle(lab.prober, cells), delay(300).then(clear)]);
    expect(after).toEqual([]);
    expect(seconds).toBeGreaterThan(0.2);
  }, 15_000);
});

describePackets('the life of a lab', () => {
  test('a pod moves to the other node and plugin', async () => {
    await using lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    await lab.addPods([a, b]);
    const moved = '10.244.2.30';
    await lab.movePod('b.x', { node: 'n2', addresses: [moved] });
    lab.prober.serve(lab.netns('b.x'), port, 'TCP');
    const from = lab.netns('a.x');
    const cells: Probe[] = [moved, b4].map((to) => ({ from, to, port, protocol: 'TCP' }));
    expect(await lab.prober.probe(cells)).toEqual(['allowed', 'blocked']);
    expect(await lab.device('b.x')).toMatch(/^veth/);
  }, 30_000);

  test('what a process started in the lab leaves behind goes with the lab, orphans too', async () => {
    const lab = await Lab.create([labNode(1, 'bridge')]);
    const folder = lab.folder;
    await lab.run('n1', 'sh', '-c', 'sleep 600 >/dev/null 2>&1 &');
    expect(processesIn([lab.netns('n1')])).toHaveLength(1);
    const [orphan] = processesIn([lab.netns('n1')]);
    await lab[Symbol.asyncDispose]();
    expect(existsSync(`/proc/${orphan ?? ''}/exe`)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  }, 30_000);

  test('a run that is killed is tidied up by the next', async () => {
    const file = resolve(import.meta.dirname, '../support/lab/lab.ts');
    const script = `import(${JSON.stringify(file)}).then(async ({ Lab, labNode }) => {
      const lab = await Lab.create([labNode(1, 'bridge')]);
      await lab.run('n1', 'sh', '-c', 'sleep 600 >/dev/null 2>&1 &');
      console.log(lab.folder);
      setInterval(() => undefined, 1000);
    });`;
    const child = execa(process.execPath, ['--import', 'tsx', '-e', script], { reject: false });
    const [printed] = (await once(child.stdout, 'data')) as [Buffer];
    const left = namespacesWith(`podwall-${child.pid ?? ''}-`);
    expect(left).toHaveLength(3);
    expect(processesIn(left)).toHaveLength(1);
    child.kill('SIGKILL');
    await child;
    expect(namespacesWith(`podwall-${child.pid ?? ''}-`)).toEqual(left);
    await using lab = await Lab.create([]);
    expect(lab.nodeNames).toEqual([]);
    expect(namespacesWith(`podwall-${child.pid ?? ''}-`)).toEqual([]);
    expect(existsSync(printed.toString().trim())).toBe(false);
  }, 30_000);
});
