/**
 * A cluster in network namespaces: nodes on a wire of their own, pods attached by real CNI plugins, one prober for all.
 * Nothing is connected to the machine's own network, and everything is removed at the end, or at the next start after a
 * run that was killed.
 */
import { execa } from 'execa';
import { mkdir, mkdtemp, rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentProcess, type AgentFlags, type AgentStart } from './agent-process.js';
import { removeLeftovers, removeNamespaces, removeRunFolder, runFolderName, runPrefix } from '../runs.mjs';
import { skipAddressDetection, writeSettings } from './namespaces.js';
import { Prober } from './prober.js';
import { pluginFolder } from './prerequisites.js';

export type Plugin = 'bridge' | 'ptp';

export interface LabNode {
  readonly name: string;
  readonly addresses: readonly [string, string];
  /** IPv4 and IPv6 range of its pods, as /24 and /64. */
  readonly podCidrs: readonly [string, string];
  readonly plugin: Plugin;
}

export interface LabPod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
}

interface Attached {
  readonly pod: LabPod;
  readonly namespace: string;
  readonly plugin: Plugin;
}

export const labNode = (number: 1 | 2, plugin: Plugin = 'bridge'): LabNode => ({
  name: `n${number}`,
  addresses: [`172.30.0.${number}`, `fd00:172:30::${number}`],
  podCidrs: [`10.244.${number}.0/24`, `fd00:10:244:${number}::/64`],
  plugin,
});

const ip = (...args: readonly string[]) => execa('ip', args);

export class Lab implements AsyncDisposable {
  readonly prober = new Prober();
  readonly #prefix: string;
  readonly #nodes = new Map<string, LabNode>();
  readonly #pods = new Map<string, Attached>();
  readonly #agents = new Set<AgentProcess>();
  readonly folder: string;
  #count = 0;
  #disposing: Promise<void> | undefined;
  readonly #tenantRow: string | undefined;
  #tenant: (AsyncDisposable & { readonly turns: number }) | undefined;

  private constructor(prefix: string, folder: string, tenantRow: string | undefined) {
    this.#tenantRow = tenantRow;
    this.#prefix = prefix;
    this.folder = folder;
  }

  /**
   * @param tenantRow what another tenant does in the same cluster, in a loop, beside agents that read a directory: a row
   * of `npm run bench -- --only tenants`
   */
  static async create(nodes: readonly LabNode[], tenantRow = process.env['PODWALL_TENANT_ROW']): Promise<Lab> {
    await removeLeftovers();
    const folder = await mkdtemp(join(tmpdir(), `${runFolderName}-lab-`));
    labs += 1;
    const lab = new Lab(`${runPrefix}${labs}-`, folder, tenantRow);
    try {
      await lab.#wire(nodes);
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return lab;
  }

  /** Network namespace of a node (`n1`), or of a pod (`pod.namespace`). */
  netns(name: string): string {
    const pod = this.#pods.get(name);
    if (pod !== undefined) return pod.namespace;
    if (!this.#nodes.has(name) && name !== 'outside') throw new Error(`the lab has no ${name}`);
    return `${this.#prefix}${name}`;
  }

  get hasTenant(): boolean {
    return this.#tenant !== undefined;
  }

  /** How often the other tenant has done what it does. */
  get tenantTurns(): number {
    return this.#tenant?.turns ?? 0;
  }

  get nodeNames(): readonly string[] {
    return [...this.#nodes.keys()];
  }

  node(name: string): LabNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`the lab has no node ${name}`);
    return node;
  }

  address(name: string, family: 4 | 6): string | undefined {
    return this.#pods.get(name)?.pod.addresses.find((address) => address.includes(':') === (family === 6));
  }

  /** Network namespace that has an address: a pod's, a node's, or the host outside the cluster. */
  placeOf(address: string): string {
    for (const { pod, namespace } of this.#pods.values()) if (pod.addresses.includes(address)) return namespace;
    const node = this.nodeNames.find((name) => this.node(name).addresses.includes(address));
    return this.netns(node ?? 'outside');
  }

  /** Runs a command in a node's or pod's namespace. */
  run(where: string, command: string, ...args: readonly string[]) {
    return ip('netns', 'exec', this.netns(where), command, ...args);
  }

  async addPods(pods: readonly LabPod[]): Promise<void> {
    const byNode = groupBy(pods);
    await Promise.all(
      [...byNode.values()].map(async (own) => {
        // One after the other on a node: the bridge plugin makes its bridge with the first.
        for (const pod of own) await this.addPod(pod);
      }),
    );
  }

  async addPod(pod: LabPod, plugin: Plugin = this.node(pod.node).plugin): Promise<void> {
    if (this.#disposing !== undefined) throw new Error('the lab is being removed');
    this.#count += 1;
    const namespace = `${this.#prefix}p${this.#count}`;
    await ip('netns', 'add', namespace);
    skipAddressDetection(namespace);
    this.#pods.set(`${pod.name}.${pod.namespace}`, { pod, namespace, plugin });
    await this.#cni('ADD', pod, namespace, plugin);
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
  }

  async deletePod(name: string): Promise<void> {
    const entry = this.#pods.get(name);
    if (entry === undefined) return;
    this.prober.leave(entry.namespace);
    await this.#cni('DEL', entry.pod, entry.namespace, entry.plugin);
    await ip('netns', 'del', entry.namespace);
    this.#pods.delete(name);
  }

  /** Deletes a pod and makes it anew elsewhere under its name; what it served is to be served again. */
  async movePod(name: string, to: Pick<LabPod, 'node' | 'addresses'>): Promise<void> {
    const { pod } = this.#attached(name);
    await this.deletePod(name);
    await this.addPod({ ...pod, ...to });
  }

  /** Host-side device of a pod. */
  async device(name: string): Promise<string> {
    const entry = this.#attached(name);
    const inside = (await ip('-n', entry.namespace, '-j', 'link', 'show', 'eth0')).stdout;
    const index = (JSON.parse(inside) as { link_index: number }[])[0]?.link_index;
    const outside = (await ip('-n', this.netns(entry.pod.node), '-j', 'link')).stdout;
    const link = (JSON.parse(outside) as { ifindex: number; ifname: string }[]).find(
      ({ ifindex }) => ifindex === index,
    );
    if (link === undefined) throw new Error(`${name} has no host side`);
    return link.ifname;
  }

  /** Starts the real agent on a node; resolves when its first state is in the kernel. */
  async startAgent(
    node: string,
    flags: AgentFlags,
    options: Pick<AgentStart, 'pidNamespace' | 'programs' | 'bundle' | 'environment'> = {},
  ): Promise<AgentProcess> {
    const agent = new AgentProcess({
      netns: this.netns(node),
      node,
      stateDir: join(this.folder, `state-${node}`),
      flags,
      ...options,
    });
    this.#agents.add(agent);
    await agent.ready();
    if (node === 'n1' && flags['manifests'] !== undefined) await this.#startTenant(flags['manifests']);
    return agent;
  }

  /** SIGTERM to all, and their end; the rules stay. */
  async stopAgents(): Promise<void> {
    await Promise.all([...this.#agents].map((agent) => agent.stop()));
    this.#agents.clear();
  }

  /** Objects as one manifest file each, replaced by rename. */
  async writeManifests(directory: string, files: Readonly<Record<string, readonly object[]>>): Promise<void> {
    await mkdir(directory, { recursive: true });
    for (const [name, objects] of Object.entries(files)) {
      const path = join(directory, `${name}.json`);
      await writeFile(
        join(directory, `.${name}.new`),
        JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
      );
      await rename(join(directory, `.${name}.new`), path);
    }
  }

  /** Removes everything, once, whoever asks: the end of a run, or Ctrl-C in the middle of it. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#disposing ??= this.#dispose();
    return this.#disposing;
  }

  async #startTenant(manifests: string): Promise<void> {
    if (this.#tenantRow === undefined || this.#tenant !== undefined) return;
    const { TenantLoad } = await import('../../bench/tenants/tenant-load.js');
    this.#tenant = await TenantLoad.named(this.#tenantRow, this, manifests);
  }

  #attached(name: string): Attached {
    const entry = this.#pods.get(name);
    if (entry === undefined) throw new Error(`the lab has no pod ${name}`);
    return entry;
  }

  async #dispose(): Promise<void> {
    try {
      await this.#tenant?.[Symbol.asyncDispose]();
      await Promise.all([...this.#agents].map((agent) => agent.kill()));
    } finally {
      this.prober[Symbol.dispose]();
      await removeNamespaces(this.#prefix);
      await removeRunFolder(this.folder);
    }
  }

  async #wire(nodes: readonly LabNode[]): Promise<void> {
    const wire = `${this.#prefix}wire`;
    await ip('netns', 'add', wire);
    await ip('-n', wire, 'link', 'add', 'wire', 'type', 'bridge');
    await ip('-n', wire, 'link', 'set', 'wire', 'up');
    for (const node of nodes) {
      this.#nodes.set(node.name, node);
      await this.#attach(node.name, node.addresses);
    }
    await this.#attach('outside', ['172.30.0.100', 'fd00:172:30::100']);
    for (const node of nodes)
      for (const [index, cidr] of node.podCidrs.entries())
        for (const other of [...nodes.map(({ name }) => name), 'outside'])
          if (other !== node.name)
            await ip('-n', `${this.#prefix}${other}`, 'route', 'add', cidr, 'via', node.addresses[index] ?? '');
  }

  async #attach(name: string, [address4, address6]: readonly [string, string]): Promise<void> {
    const [namespace, wire] = [`${this.#prefix}${name}`, `${this.#prefix}wire`];
    await ip('netns', 'add', namespace);
    skipAddressDetection(namespace);
    writeSettings(namespace, { 'ipv4/ip_forward': '1', 'ipv6/conf/all/forwarding': '1' });
    await ip('-n', wire, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'uplink', 'netns', namespace);
    await ip('-n', wire, 'link', 'set', name, 'master', 'wire', 'up');
    await ip('-n', namespace, 'link', 'set', 'lo', 'up');
    await ip('-n', namespace, 'link', 'set', 'uplink', 'up');
    await ip('-n', namespace, 'address', 'add', `${address4}/24`, 'dev', 'uplink');
    await ip('-n', namespace, 'address', 'add', `${address6}/64`, 'dev', 'uplink', 'nodad');
  }

  async #cni(command: 'ADD' | 'DEL', pod: LabPod, namespace: string, plugin: Plugin): Promise<void> {
    const node = this.node(pod.node);
    const addresses = pod.addresses.map((address) => {
      const isV6 = address.includes(':');
      return { address: `${address}/${isV6 ? 64 : 24}`, gateway: gatewayOf(node.podCidrs[isV6 ? 1 : 0]) };
    });
    const routes = addresses.map(({ address }) => ({ dst: address.includes(':') ? '::/0' : '0.0.0.0/0' }));
    const configuration = {
      cniVersion: '0.4.0',
      name: 'lab',
      type: plugin,
      ...(plugin === 'bridge' ? { bridge: 'cni0', isGateway: true, hairpinMode: true } : {}),
      ipam: { type: 'static', addresses, routes },
    };
    await execa('ip', ['netns', 'exec', this.netns(pod.node), join(pluginFolder(), plugin)], {
      input: JSON.stringify(configuration),
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: namespace,
        CNI_NETNS: `/var/run/netns/${namespace}`,
        CNI_IFNAME: 'eth0',
        CNI_PATH: pluginFolder(),
      },
    });
  }
}

let labs = 0;

const gatewayOf = (cidr: string): string =>
  cidr.includes(':') ? cidr.replace('::/64', '::1') : cidr.replace('.0/24', '.1');

function groupBy(pods: readonly LabPod[]): Map<string, LabPod[]> {
  const groups = new Map<string, LabPod[]>();
  for (const pod of pods) groups.set(pod.node, [...(groups.get(pod.node) ?? []), pod]);
  return groups;
}
