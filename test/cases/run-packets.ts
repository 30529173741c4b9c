/**
 * Runs a table on real packets: pods in network namespaces attached by a CNI plugin, one real agent per node that follows
 * what is written for it, every step a live change.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { familyOf } from '../../src/model/address.js';
import type { AgentProcess } from '../support/lab/agent-process.js';
import { Lab, labNode, type LabPod, type Plugin } from '../support/lab/lab.js';
import type { Probe } from '../support/lab/prober.js';
import { describeCell, type Case, type Manifest, type Step } from './types.js';
import { ClusterState, type Pairing } from './cluster-state.js';
import { keyOf, writtenCluster, type WrittenCluster, type WrittenTo } from './written-cluster.js';

export interface PacketResult {
  readonly asked: number;
  readonly wrong: readonly string[];
  /** Seconds from the change to the table as expected, per step. */
  readonly settled: readonly number[];
}

export interface PacketOptions {
  /** How long a step may take to settle, in milliseconds. */
  readonly within: number;
  /** Silence for this long is a denial, in milliseconds. */
  readonly timeout: number;
}

const defaults: PacketOptions = { within: 10_000, timeout: 250 };
/** The agent has more to do: that it decides rightly is asked here, how soon is measured by the bench. */
const besideTenant: PacketOptions = { ...defaults, within: 60_000 };

export interface RunnerOptions {
  readonly to?: WrittenTo;
  /** Every agent keeps an audit log in the lab's folder, `NODE.jsonl`. */
  readonly hasAuditLog?: boolean;
  /** What another tenant does meanwhile: see `Lab.create`. */
  readonly tenantRow?: string | undefined;
}

/** A standing lab that runs one table after another: nodes and agents stay, pods and manifests change. */
export class PacketRunner implements AsyncDisposable {
  readonly #lab: Lab;
  readonly #cluster: WrittenCluster;
  readonly agents: readonly AgentProcess[];
  /** Namespaces belong to addresses, not to pods: who takes over an address takes over its namespace. */
  readonly #pods = new Map<string, LabPod>();
  #count = 0;
  readonly #hasTenant: boolean;

  private constructor(lab: Lab, cluster: WrittenCluster, agents: readonly AgentProcess[]) {
    this.#hasTenant = lab.hasTenant;
    this.#lab = lab;
    this.#cluster = cluster;
    this.agents = agents;
  }

  static async create(plugin: Plugin, nodes: 1 | 2 = 2, options: RunnerOptions = {}): Promise<PacketRunner> {
    const { to = 'directory', hasAuditLog = false, tenantRow } = options;
    const all = ([1, 2] as const).slice(0, nodes).map((number) => labNode(number, plugin));
    const lab = await Lab.create(all, tenantRow);
    const cluster = await writtenCluster(to, lab);
    const agents = await Promise.all(
      all.map(({ name }) =>
        lab.startAgent(name, {
          ...cluster.flags,
          ...(hasAuditLog ? { 'audit-log': join(lab.folder, `${name}.jsonl`) } : {}),
        }),
      ),
    );
    return new PacketRunner(lab, cluster, agents);
  }

  get lab(): Lab {
    return this.#lab;
  }

  async run(table: Case, options: PacketOptions = this.#hasTenant ? besideTenant : defaults): Promise<PacketResult> {
    const state = new ClusterState();
    state.take({ apply: table.objects });
    const objects = new Map(table.objects.map((manifest) => [keyOf(manifest), manifest]));
    await this.#attach(table.objects, eventualAddresses(table));
    const result = { asked: 0, wrong: [] as string[], settled: [] as number[] };
    for (const [index, step] of table.steps.entries()) {
      state.take(step.changes ?? {});
      for (const removal of step.changes?.remove ?? [])
        objects.delete(`${removal.kind} ${removal.namespace ?? ''}/${removal.name}`);
      for (const manifest of step.changes?.apply ?? []) objects.set(keyOf(manifest), manifest);
      await this.#attach(step.changes?.apply ?? [], new Map());
      this.#serve(state, step);
      await this.#cluster.write([...objects.values()]);
      const seen = this.agents.map(({ lines }) => lines.length);
      const { asked, wrong, seconds } = await this.#settle(state, step, options);
      result.asked += asked;
      result.settled.push(seconds);
      result.wrong.push(...wrong.map((line) => `step ${index + 1}: ${line}`));
      result.wrong.push(...this.#failures(seen).map((line) => `step ${index + 1}: ${line}`));
      if (wrong.length > 0) result.wrong.push(...(await this.#testimony(seen)));
    }
    await this.#cluster.write([]);
    await this.#detachAll();
    return result;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
    await this.#lab[Symbol.asyncDispose]();
  }

  /** Transactions that the kernel refused: whatever the step is, an agent sends none. */
  #failures(seen: readonly number[]): readonly string[] {
    return this.agents.flatMap(({ lines }, index) =>
      lines
        .slice(seen[index])
        .filter(({ msg }) => typeof msg === 'string' && msg.startsWith('failed'))
        .map(({ error }) => `agent ${index + 1} failed: ${String(error)}`),
    );
  }

  /** What every agent logged during a step that went wrong, and says of itself now. */
  async #testimony(seen: readonly number[]): Promise<readonly string[]> {
    return Promise.all(
      this.agents.map(async (agent, index) => {
        const { endpoints, ...status } = await agent.status().catch((error: unknown) => ({ error, endpoints: [] }));
        const count = (endpoints as readonly unknown[]).length;
        return `agent ${index + 1}: ${JSON.stringify({ printed: agent.lines.slice(seen[index]), count, status })}`;
      }),
    );
  }

  async #attach(manifests: readonly Manifest[], eventual: ReadonlyMap<string, readonly string[]>): Promise<void> {
    for (const manifest of manifests) {
      if (manifest.kind !== 'Pod') continue;
      const { spec } = manifest as { spec?: { nodeName?: string; hostNetwork?: boolean } };
      const addresses = eventual.get(keyOf(manifest)) ?? addressesIn(manifest);
      if (spec?.hostNetwork === true || addresses.length === 0 || addresses.some((address) => this.#pods.has(address)))
        continue;
      this.#count += 1;
      const pod = { namespace: 'lab', name: `p${this.#count}`, node: spec?.nodeName ?? 'n1', addresses };
      await this.#lab.addPod(pod);
      for (const address of addresses) this.#pods.set(address, pod);
    }
  }

  async #detachAll(): Promise<void> {
    for (const pod of new Set(this.#pods.values())) await this.#lab.deletePod(`${pod.name}.${pod.namespace}`);
    this.#pods.clear();
  }

  #serve(state: ClusterState, step: Step): void {
    for (const cell of step.expect)
      for (const pairing of state.pairings(cell))
        this.#lab.prober.serve(this.#lab.placeOf(pairing.destination), pairing.port, cell.protocol);
  }

  async #settle(
    state: ClusterState,
    step: Step,
    { within, timeout }: PacketOptions,
  ): Promise<{ asked: number; wrong: readonly string[]; seconds: number }> {
    const cells = step.expect.flatMap((cell) => state.pairings(cell).map((pairing) => ({ cell, pairing })));
    const started = performance.now();
    for (;;) {
      const outcomes = await this.#lab.prober.probe(
        cells.map(({ pairing }) => this.#probeOf(pairing)),
        timeout,
      );
      const seconds = (performance.now() - started) / 1000;
      const wrong = cells.flatMap(({ cell, pairing }, index) =>
        outcomes[index] === (cell.allowed ? 'allowed' : 'blocked')
          ? []
          : [
              `${describeCell(cell)} over ${familyOf(pairing.source)}: ${outcomes[index] ?? ''} instead of ${cell.allowed ? 'allowed' : 'blocked'}`,
            ],
      );
      if (wrong.length === 0 || seconds * 1000 > within) return { asked: cells.length, wrong, seconds };
      await delay(50);
    }
  }

  #probeOf({ source, destination, protocol, port }: Pairing): Probe {
    return {
      from: this.#lab.placeOf(source),
      to: destination,
      port,
      protocol: protocol === 'other' ? 'ICMP' : protocol,
    };
  }
}

/** By pod: all addresses that it will have. The wire has them from the start, its status may show some later. */
function eventualAddresses({ objects, steps }: Case): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const manifest of [...objects, ...steps.flatMap(({ changes }) => changes?.apply ?? [])])
    if (manifest.kind === 'Pod')
      found.set(keyOf(manifest), [...new Set([...(found.get(keyOf(manifest)) ?? []), ...addressesIn(manifest)])]);
  return found;
}

const addressesIn = ({ status }: Manifest): string[] =>
  ((status as { podIPs?: { ip: string }[] } | undefined)?.podIPs ?? []).map(({ ip }) => ip);
