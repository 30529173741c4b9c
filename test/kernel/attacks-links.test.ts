/**
 * A link belongs to its pod, whatever happens to objects, tables and agents. Attackers are pods' own processes with packet
 * sockets; what each of them tries works without an agent, which is shown first.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namespace, node, pod, policy, type PodOptions } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { ethernetFrame, etherType } from '../support/lab/frames.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { ipv4Packet, udpDatagram } from '../support/lab/packets.js';
import * as packets6 from '../support/lab/packets6.js';
import { Capture, hardwareAddressOf, sendFrame, sendIp } from '../support/lab/raw.js';
import { describePackets } from '../support/lab/requirements.js';
import { until } from '../support/until.js';

const port = 8080;
/** As many forged packets, some time apart: one that gets through is enough for an attacker. */
const attempts = 16;
/** Milliseconds; a status asked of an agent on a busy machine takes a second. */
const settlesWithin = 30_000;

/** evil may send to nobody; victim may; server lets victim in. Each node has them, bridged on n1 and routed on n2. */
const roles = { evil: 11, victim: 12, server: 13 } as const;
type Role = keyof typeof roles;
type NodeName = 'n1' | 'n2';

const numberOf = (on: NodeName): 1 | 2 => (on === 'n1' ? 1 : 2);
const addressesAt = (on: NodeName, host: number): readonly [string, string] => [
  `10.244.${numberOf(on)}.${host}`,
  `fd00:10:244:${numberOf(on)}::${host}`,
];
const role = (name: Role): object => ({ matchLabels: { role: name } });

const policies: readonly Manifest[] = [
  policy('evil.x', {
    podSelector: role('evil'),
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [{ podSelector: role('victim') }] }],
  }),
  policy('server.x', { podSelector: role('server'), ingress: [{ from: [{ podSelector: role('victim') }] }] }),
];

/** What a restart finds of the record. */
const records: readonly (readonly [string, (path: string) => Promise<unknown>])[] = [
  ['with what was recorded', () => Promise.resolve()],
  ['with a record that cannot be read', (path) => writeFile(path, '{"links": [{"pod"')],
  [
    'with the record of another boot',
    async (path) => {
      const saved = JSON.parse(await readFile(path, 'utf8')) as object;
      await writeFile(path, JSON.stringify({ ...saved, boot: 'another' }));
    },
  ],
];

describePackets('a link belongs to its pod', () => {
  let lab: Lab;
  let count = 0;
  const agents = new Map<NodeName, AgentProcess>();
  const directory = (): string => join(lab.folder, 'manifests');
  const place = (name: string): string => lab.netns(`${name}.x`);

  /** Pods by name, as their objects stand now. */
  const objects = new Map<string, Manifest>();
  const nameOf = (is: Role, on: NodeName): string => `${is}-${on}`;
  const podOf = (is: Role, on: NodeName, change: PodOptions = {}): Manifest =>
    pod(`${nameOf(is, on)}.x`, { node: on, addresses: addressesAt(on, roles[is]), labels: { role: is }, ...change });
  const publish = (): Promise<void> =>
    lab.writeManifests(directory(), {
      cluster: [node('n1'), node('n2'), namespace('x'), ...policies, ...objects.values()],
    });
  const start = async (on: NodeName): Promise<void> => {
    agents.set(on, await lab.startAgent(on, { manifests: directory(), 'cni-cache-dir': join(lab.folder, 'results') }));
  };
  const agentOn = (on: NodeName): AgentProcess => {
    const agent = agents.get(on);
    if (agent === undefined) throw new Error(`no agent on ${on}`);
    return agent;
  };
  /** Pods whose links have been found. */
  const placed = async (on: NodeName): Promise<string[]> => {
    const endpoints = (await agentOn(on).status())['endpoints'] as {
      readonly name: string;
      readonly device?: string;
    }[];
    return endpoints.flatMap(({ name, device }) => (device === undefined ? [] : [name]));
  };
  interface Outlived {
    readonly pod: { readonly name: string };
    readonly reason: string;
  }
  const outlived = async (on: NodeName): Promise<string[]> =>
    ((await agentOn(on).status())['outlived'] as Outlived[]).map((one) => `${one.pod.name}: ${one.reason}`);
  const comesTo = async (on: NodeName, ...expected: readonly string[]): Promise<void> => {
    await publish();
    let last: readonly string[] = [];
    await until(async () => {
      last = await outlived(on);
      return JSON.stringify(last) === JSON.stringify(expected) && (await agentOn(on).status())['waiting'] === 0;
    }, settlesWithin).catch(() => expect(last).toEqual(expected));
  };

  const udp = (source: string, destination: string, text: string): Buffer => {
    const endpoints = { source, destination, protocol: 17, sourcePort: 4000, destinationPort: port };
    const datagram = udpDatagram(endpoints, Buffer.from(text));
    return source.includes(':') ? packets6.ipv6Packet(endpoints, datagram) : ipv4Packet(endpoints, datagram);
  };
  /** By the attacker's own route on a routed link; straight to the other's hardware address on a bridge. */
  const send = (from: string, to: string, on: NodeName, packet: Buffer): void => {
    if (on === 'n2') {
      sendIp(place(from), packet);
      return;
    }
    const type = (packet[0] ?? 0) >> 4 === 6 ? etherType.ipv6 : etherType.ipv4;
    const [source, destination] = [from, to].map((one) => hardwareAddressOf(place(one), 'eth0'));
    if (source === undefined || destination === undefined) throw new Error('no hardware address');
    sendFrame(place(from), 'eth0', ethernetFrame({ source, destination, type, tags: [] }, packet));
  };
  /** How many of the packets arrive, in both families. */
  const arriving = async (on: NodeName, from: string, as: readonly string[], to: Role = 'server'): Promise<number> => {
    count += 1;
    const text = `sent-${count}-`;
    const target = nameOf(to, on);
    using capture = new Capture(place(target), 'eth0');
    const seen = capture.frames((frame) => frame.includes(text), 700);
    for (let attempt = 0; attempt < attempts / 2; attempt += 1)
      for (const [index, address] of as.entries())
        send(from, target, on, udp(address, addressesAt(on, roles[to])[index] ?? '', text));
    return (await seen).length;
  };
  const forged = (on: NodeName): Promise<number> => arriving(on, nameOf('evil', on), addressesAt(on, roles.victim));
  const own = (on: NodeName, host: number = roles.evil): Promise<number> =>
    arriving(on, nameOf('evil', on), addressesAt(on, host));
  /** How much arrives of what the attacker sends under its own addresses, and under another's. */
  const attack = (on: NodeName): Promise<number[]> => Promise.all([own(on), forged(on)]);
  /** From a pod that may: answered only if both its egress and the other's ingress let it. */
  const reaches = async (on: NodeName, from: Role, to: Role): Promise<string> => {
    const probes = addressesAt(on, roles[to]).map((address) => ({
      from: place(nameOf(from, on)),
      to: address,
      port,
      protocol: 'UDP' as const,
    }));
    return (await lab.prober.probe(probes)).join(' ');
  };
  const serve = (name: string): void => lab.prober.serve(place(name), port, 'UDP');

  beforeAll(async () => {
    lab = await Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]);
    for (const on of ['n1', 'n2'] as const)
      for (const is of Object.keys(roles) as Role[]) {
        await lab.addPod({ namespace: 'x', name: nameOf(is, on), node: on, addresses: addressesAt(on, roles[is]) });
        objects.set(nameOf(is, on), podOf(is, on));
        serve(nameOf(is, on));
      }
    await publish();
  }, 120_000);
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  }, 120_000);

  test.each(['n1', 'n2'] as const)('without an agent all that follows works: %s', async (on) => {
    expect(await attack(on)).toEqual([attempts, attempts]);
  });

  describe.each(['n1', 'n2'] as const)('on %s', (on) => {
    const evil = nameOf('evil', on);
    beforeAll(() => start(on), 60_000);
    afterEach(async () => {
      objects.set(evil, podOf('evil', on));
      await comesTo(on);
    }, 80_000);

    test('the honest pods work, the attacker is held', async () => {
      expect(await reaches(on, 'victim', 'server')).toBe('allowed allowed');
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
      expect(await attack(on)).toEqual([0, 0]);
    });

    test('its object force-deleted: closed both ways, also behind a new agent, until its object is back', async () => {
      const expected = `${evil}: its object is gone`;
      objects.delete(evil);
      await comesTo(on, expected);
      expect(await attack(on)).toEqual([0, 0]);
      expect(await reaches(on, 'victim', 'evil')).toBe('blocked blocked');
      expect(await reaches(on, 'victim', 'server')).toBe('allowed allowed');
      await agentOn(on).kill();
      const during = own(on);
      await start(on);
      expect(await outlived(on)).toEqual([expected]);
      expect([await during, ...(await attack(on))]).toEqual([0, 0, 0]);
      objects.set(evil, podOf('evil', on));
      await comesTo(on);
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
    }, 120_000);

    test.each(['Failed', 'Succeeded'] as const)(
      'phase %s: closed both ways',
      async (phase) => {
        objects.set(evil, podOf('evil', on, { phase }));
        await comesTo(on, `${evil}: its object says ${phase}`);
        expect(await attack(on)).toEqual([0, 0]);
        expect(await reaches(on, 'victim', 'evil')).toBe('blocked blocked');
      },
      80_000,
    );

    test('its object exchanged for another behind the same link: that pod has all its traffic', async () => {
      objects.delete(evil);
      const place = { node: on, addresses: addressesAt(on, roles.evil), labels: { role: 'evil' } };
      objects.set('next', pod(`next-${on}.x`, place));
      await comesTo(on);
      expect(await placed(on)).toContain(`next-${on}`);
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
      expect(await attack(on)).toEqual([0, 0]);
      // Its name again, with another uid, as a mirror Pod that was deleted: at no moment is its link another's.
      objects.set('next', podOf('evil', on, { uid: 'anew' }));
      await comesTo(on);
      expect(await placed(on)).toContain(evil);
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
      objects.delete('next');
    }, 80_000);

    test('a status without addresses: its isolation stays as it was', async () => {
      objects.set(evil, podOf('evil', on, { addresses: [] }));
      await comesTo(on, `${evil}: its status has no address`);
      expect(await attack(on)).toEqual([0, 0]);
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
      expect(await reaches(on, 'server', 'evil')).toBe('blocked blocked');
    }, 80_000);

    test('its address given to another pod: the old link loses it, the new pod has it', async () => {
      objects.delete(evil);
      const heir = `heir-${on}`;
      const inherited = addressesAt(on, roles.evil);
      objects.set(heir, pod(`${heir}.x`, { node: on, addresses: inherited, created: '2026-02-01T00:00:00Z' }));
      await lab.addPod({ namespace: 'x', name: heir, node: on, addresses: inherited });
      serve(heir);
      await comesTo(on, `${evil}: its object is gone`);
      expect(await attack(on)).toEqual([0, 0]);
      // Nothing isolates the heir, and it answers under its address; the old pod would, where the bridge still knew it.
      await lab.run(on, 'ip', 'neigh', 'flush', 'all');
      await until(async () => (await arriving(on, heir, inherited, 'victim')) === attempts, settlesWithin);
      objects.delete(heir);
      await lab.deletePod(`${heir}.x`);
      // The plugin took the route along, which was the old pod's.
      if (on === 'n2')
        for (const address of inherited)
          await lab.run(on, 'ip', 'route', 'replace', address, 'dev', await lab.device(`${evil}.x`));
    }, 120_000);

    test('a Pod of another namespace whose status claims the address does not open the pod that has it', async () => {
      const claim = pod('claims.other', {
        node: on,
        addresses: addressesAt(on, roles.evil),
        created: '2026-03-01T00:00:00Z',
      });
      objects.set('claims', claim);
      await publish();
      await until(async () => {
        const { waiting, endpoints } = await agentOn(on).status();
        const names = (endpoints as { name: string }[]).map(({ name }) => name);
        return waiting === 0 && names.includes(evil) && !names.includes('claims');
      }, settlesWithin);
      expect(await attack(on)).toEqual([0, 0]);
      expect(await reaches(on, 'victim', 'evil')).toBe('allowed allowed');
      objects.delete('claims');
    }, 80_000);

    test('Jobs that complete and whose links go, and pods that come back under their names, leave nothing', async () => {
      const job = `job-${on}`;
      const again = async (uid: string, host: number): Promise<void> => {
        const addresses = addressesAt(on, host);
        await lab.addPod({ namespace: 'x', name: job, node: on, addresses });
        serve(job);
        objects.set(job, pod(`${job}.x`, { node: on, addresses, uid }));
        await publish();
        await until(async () => (await arriving(on, job, addresses, 'victim')) === attempts, settlesWithin);
      };
      await again('first', 21);
      await lab.deletePod(`${job}.x`);
      await again('second', 21);
      await lab.deletePod(`${job}.x`);
      await again('third', 22);
      await until(async () => (await placed(on)).includes(job), settlesWithin);
      objects.set(job, pod(`${job}.x`, { node: on, addresses: addressesAt(on, 22), uid: 'third', phase: 'Succeeded' }));
      await comesTo(on, `${job}: its object says Succeeded`);
      await lab.deletePod(`${job}.x`);
      await comesTo(on);
      objects.delete(job);
    }, 120_000);

    // What a record says does not depend on the kind of link; that guards alone suffice does.
    test.each(records.filter(([title]) => on === 'n1' || title.includes('cannot be read')))(
      'a restart %s opens no window for pods that stopped answering',
      async (_, damage) => {
        const quiet = [evil, nameOf('victim', on)];
        const guards = async (): Promise<string[]> => {
          const { stdout } = await lab.run(on, 'nft', 'list', 'table', 'netdev', 'podwall');
          return [...stdout.matchAll(/chain (\S+)/g)].map(([, name = '']) => name).sort();
        };
        const before = await guards();
        await agentOn(on).kill();
        await damage(join(lab.folder, `state-${on}`, 'links.json'));
        for (const name of quiet) await lab.run(`${name}.x`, 'ip', 'link', 'set', 'eth0', 'arp', 'off');
        await lab.run(on, 'ip', 'neigh', 'flush', 'all');
        if (on === 'n1')
          for (const name of quiet)
            await lab.run(on, 'ip', 'link', 'set', await lab.device(`${name}.x`), 'type', 'bridge_slave', 'fdb_flush');
        const progress = { isStarting: true };
        const sending = (async (): Promise<number> => {
          let got = 0;
          while (progress.isStarting) got += await forged(on);
          return got;
        })();
        await start(on).finally(() => (progress.isStarting = false));
        expect((await sending) + (await forged(on))).toBe(0);
        expect(await guards()).toEqual(before);
        for (const name of quiet) await lab.run(`${name}.x`, 'ip', 'link', 'set', 'eth0', 'arp', 'on');
        await until(async () => (await reaches(on, 'victim', 'server')) === 'allowed allowed', settlesWithin);
      },
      120_000,
    );
  });

  test("one pod sends with another's hardware address: guards stay where they were in a restart, and the bridge learns nothing", async () => {
    const on = 'n1';
    const [evil, victim] = [nameOf('evil', on), nameOf('victim', on)];
    const guardOf = async (name: string): Promise<string> =>
      (await lab.run(on, 'nft', 'list', 'chain', 'netdev', 'podwall', `guard-${await lab.device(`${name}.x`)}`)).stdout;
    const stolen = hardwareAddressOf(place(victim), 'eth0');
    const learned = async (): Promise<string> => (await lab.run(on, 'bridge', 'fdb', 'show', 'br', 'cni0')).stdout;
    const text = [...stolen].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
    const isLearned = new RegExp(`^${text} dev ${await lab.device(`${evil}.x`)} `, 'm');
    const destination = hardwareAddressOf(place('server-n1'), 'eth0');
    const sendAs = (source: Buffer): void => {
      const packet = udp(addressesAt(on, roles.evil)[0], addressesAt(on, roles.server)[0], 'as another');
      sendFrame(place(evil), 'eth0', ethernetFrame({ source, destination, type: etherType.ipv4, tags: [] }, packet));
    };
    const claim = async (): Promise<void> => {
      await until(async () => {
        sendAs(stolen);
        return isLearned.test(await learned());
      });
    };
    await agentOn(on).kill();
    // The control: without the guard the bridge believes it.
    await lab.run(on, 'nft', 'delete', 'table', 'netdev', 'podwall');
    await claim();
    await start(on);
    for (const [name, host] of [
      [evil, roles.evil],
      [victim, roles.victim],
    ] as const) {
      const guard = await guardOf(name);
      for (const address of addressesAt(on, host)) expect(guard).toContain(address);
    }
    expect(await guardOf(evil)).not.toContain(addressesAt(on, roles.victim)[0]);
    expect(await forged(on)).toBe(0);
    await until(async () => (await reaches(on, 'victim', 'server')) === 'allowed allowed', settlesWithin);
    // While the guard is there, the bridge never hears such a frame, nor one of an invented address.
    const invented = Buffer.from('0200000000ff', 'hex');
    for (let attempt = 0; attempt < 50; attempt += 1) for (const source of [stolen, invented]) sendAs(source);
    expect(await learned()).not.toMatch(isLearned);
    expect(await learned()).not.toContain('02:00:00:00:00:ff');
    expect(await reaches(on, 'victim', 'server')).toBe('allowed allowed');
  }, 120_000);
});
