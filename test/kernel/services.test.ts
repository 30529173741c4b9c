/**
 * Services as kube-proxy makes them in the kernel, in the style of its nft and of its iptables mode: policies are
 * evaluated on the true endpoints of a flow, whatever address was called.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execa } from 'execa';
import { join } from 'node:path';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { describePackets } from '../support/lab/requirements.js';

const [clusterIp4, clusterIp6] = ['10.96.0.10', 'fd00:10:96::10'];
const [servicePort, nodePort, targetPort] = [80, 30_080, 8080];
const pods = {
  client: { node: 'n1', addresses: ['10.244.1.11', 'fd00:10:244:1::11'] },
  other: { node: 'n1', addresses: ['10.244.1.12', 'fd00:10:244:1::12'] },
  /** The Service's only endpoint: on another node than its clients. */
  server: { node: 'n2', addresses: ['10.244.2.12', 'fd00:10:244:2::12'] },
} as const;
type Name = keyof typeof pods;
const role = (name: Name): object => ({ matchLabels: { role: name } });
const objects: readonly Manifest[] = [
  node('n1'),
  node('n2'),
  namespace('x'),
  ...(Object.keys(pods) as Name[]).map((name) => pod(`${name}.x`, { ...pods[name], labels: { role: name } })),
];

/** What kube-proxy writes for the Service, in one family. */
interface Proxy {
  readonly family: 4 | 6;
  readonly clusterIp: string;
  readonly endpoint: string;
}
const proxies: readonly Proxy[] = [
  { family: 4, clusterIp: clusterIp4, endpoint: pods.server.addresses[0] },
  { family: 6, clusterIp: clusterIp6, endpoint: pods.server.addresses[1] },
];

/** Mode nftables: verdict maps to one chain a Service and one an endpoint; a mark says what is masqueraded. */
function nftRules({ family, clusterIp, endpoint }: Proxy): string {
  const ip = family === 4 ? 'ip' : 'ip6';
  const target = family === 4 ? `${endpoint}:${targetPort}` : `[${endpoint}]:${targetPort}`;
  return `table ${ip} kube-proxy {
    map service-ips {
      type ${family === 4 ? 'ipv4' : 'ipv6'}_addr . inet_proto . inet_service : verdict
      elements = { ${clusterIp} . tcp . ${servicePort} : goto service }
    }
    map service-nodeports { type inet_proto . inet_service : verdict; elements = { tcp . ${nodePort} : goto external } }
    chain endpoint {
      ${ip} saddr ${endpoint} meta mark set mark or 0x4000
      meta l4proto tcp dnat to ${target}
    }
    chain service { numgen random mod 1 vmap { 0 : goto endpoint }; }
    chain external { meta mark set mark or 0x4000; goto service; }
    chain services {
      ${ip} daddr . meta l4proto . th dport vmap @service-ips
      fib daddr type local meta l4proto . th dport vmap @service-nodeports
    }
    chain nat-prerouting { type nat hook prerouting priority dstnat; jump services; }
    chain nat-output { type nat hook output priority -100; jump services; }
    chain nat-postrouting { type nat hook postrouting priority srcnat; meta mark & 0x4000 == 0x4000 masquerade; }
  }`;
}

/** Mode iptables: chains of jumps, by iptables-nft. */
function iptablesRules({ family, clusterIp, endpoint }: Proxy): string {
  const target = family === 4 ? `${endpoint}:${targetPort}` : `[${endpoint}]:${targetPort}`;
  const bits = family === 4 ? 32 : 128;
  return `*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC - [0:0]
:KUBE-EXT - [0:0]
:KUBE-SEP - [0:0]
:KUBE-POSTROUTING - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-SERVICES -d ${clusterIp}/${bits} -p tcp -m tcp --dport ${servicePort} -j KUBE-SVC
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -p tcp -m tcp --dport ${nodePort} -j KUBE-EXT
-A KUBE-EXT -j KUBE-MARK-MASQ
-A KUBE-EXT -j KUBE-SVC
-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000
-A KUBE-SVC -j KUBE-SEP
-A KUBE-SEP -s ${endpoint}/${bits} -j KUBE-MARK-MASQ
-A KUBE-SEP -p tcp -m tcp -j DNAT --to-destination ${target}
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MASQUERADE
COMMIT
`;
}

const write = {
  'nft mode': async (netns: string): Promise<void> => {
    const input = proxies.map(nftRules).join('\n');
    await execa('ip', ['netns', 'exec', netns, 'nft', '-f', '-'], { input });
  },
  'iptables mode': async (netns: string): Promise<void> => {
    for (const proxy of proxies) {
      const restore = proxy.family === 4 ? 'iptables-nft-restore' : 'ip6tables-nft-restore';
      await execa('ip', ['netns', 'exec', netns, restore], { input: iptablesRules(proxy) });
    }
  },
} as const;

describePackets('Services', () => {
  describe.each(Object.keys(write) as (keyof typeof write)[])('kube-proxy in %s', (mode) => {
    let lab: Lab;
    let directory: string;

    type Call = readonly [from: string, to: string, port: number];
    const byClusterIp = (from: string): Call[] => proxies.map(({ clusterIp }) => [from, clusterIp, servicePort]);
    const byNodePort = (from: string, node: string): Call => [from, node, nodePort];
    const reaches = async (calls: readonly Call[]): Promise<boolean[]> => {
      const probes = calls.map(([from, to, called]) => ({
        from: lab.netns(from),
        to,
        port: called,
        protocol: 'TCP' as const,
      }));
      return (await lab.prober.probe(probes, 600)).map((outcome) => outcome === 'allowed');
    };
    /** Under these policies exactly the first calls get through, soon and all at once. */
    const expectThat = async (
      policies: readonly Manifest[],
      { pass, fail }: { readonly pass: readonly Call[]; readonly fail: readonly Call[] },
    ): Promise<void> => {
      await lab.writeManifests(directory, { cluster: [...objects, ...policies] });
      const expected = [...pass.map(() => true), ...fail.map(() => false)];
      let seen: boolean[] = [];
      const deadline = performance.now() + 10_000;
      do seen = await reaches([...pass, ...fail]);
      while (String(seen) !== String(expected) && performance.now() < deadline);
      expect(seen).toEqual(expected);
    };

    beforeAll(async () => {
      lab = await Lab.create([labNode(1, 'ptp'), labNode(2, 'bridge')]);
      directory = join(lab.folder, 'manifests');
      await lab.addPods((Object.keys(pods) as Name[]).map((name) => ({ namespace: 'x', name, ...pods[name] })));
      lab.prober.serve(lab.netns('server.x'), targetPort, 'TCP');
      for (const name of lab.nodeNames) {
        await write[mode](lab.netns(name));
        // Nodes have a default route in life: what a node itself sends is routed before it is translated.
        for (const range of ['10.96.0.0/12', 'fd00:10:96::/112'])
          await lab.run(name, 'ip', 'route', 'add', range, 'dev', 'uplink');
      }
      await lab.writeManifests(directory, { cluster: objects });
      await Promise.all(
        lab.nodeNames.map((name) => lab.startAgent(name, { manifests: directory }, { pidNamespace: 'host' })),
      );
    }, 60_000);
    afterAll(() => lab[Symbol.asyncDispose](), 60_000);

    const [client, other] = [byClusterIp('client.x'), byClusterIp('other.x')];
    const denyAll = policy('p.x', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] });
    const toServer = (rule: object): Manifest => policy('p.x', { podSelector: role('server'), ingress: [rule] });
    const fromClient = (peer: object): Manifest =>
      policy('p.x', { podSelector: role('client'), policyTypes: ['Egress'], egress: [{ to: [peer] }] });

    test('without policies everyone reaches it, by ClusterIP and by NodePort', async () => {
      const fromOutside = ['172.30.0.1', '172.30.0.2'].map((address) => byNodePort('outside', address));
      await expectThat([], { pass: [...client, ...other, ...fromOutside], fail: [] });
    });

    test('ingress: the endpoint sees the client behind the ClusterIP, and its own port', async () => {
      const from = [{ podSelector: role('client') }];
      await expectThat([toServer({ from, ports: [{ port: targetPort }] })], { pass: client, fail: other });
    });

    test("ingress: the Service's port is not the endpoint's", async () => {
      await expectThat([toServer({ ports: [{ port: servicePort }] })], { pass: [], fail: [...client, ...other] });
    });

    test('egress: the endpoint is the peer, the ClusterIP is nobody', async () => {
      await expectThat([fromClient({ podSelector: role('server') })], { pass: [...client, ...other], fail: [] });
      await expectThat([fromClient({ ipBlock: { cidr: '10.96.0.0/12' } })], { pass: other, fail: client });
    });

    test('NodePort: at the endpoint a caller behind another node is that node, on its own node itself', async () => {
      const from = (cidr: string) => toServer({ from: [{ ipBlock: { cidr } }] });
      const [behindOther, onOwn] = ['172.30.0.1', '172.30.0.2'].map((address) => byNodePort('outside', address));
      const calls = { behindOther: [behindOther as Call], onOwn: [onOwn as Call] };
      await expectThat([from('172.30.0.100/32')], { pass: calls.onOwn, fail: [...calls.behindOther, ...other] });
      await expectThat([from('172.30.0.1/32')], { pass: calls.behindOther, fail: [...calls.onOwn, ...other] });
    });

    test('hairpin: a pod reaches itself through its Service under deny-all', async () => {
      await expectThat([denyAll], { pass: byClusterIp('server.x'), fail: client });
    });

    test("the own node's processes reach it under deny-all, another node's do not", async () => {
      await expectThat([denyAll], { pass: byClusterIp('n2'), fail: [...byClusterIp('n1'), ...client] });
    });
  });
});
