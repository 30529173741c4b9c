/** The small cluster that faults are tried on: a node, three pods, who may reach whom, and an agent whose steps are recorded. */
import { join } from 'node:path';
import { askAgent, type AgentStatus } from '../../src/node/control-socket.js';
import { namespace, node, pod, policy } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import { AgentProcess, type AgentStart } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { until } from '../support/until.js';
import { Steps } from './steps.js';
import { Traffic, type Relation, type Stream } from './traffic.js';

const hosts = { client: 11, server: 12, other: 13 } as const;
type Pod = keyof typeof hosts;
const addressesOf = (name: Pod): readonly [string, string] => [
  `10.244.1.${hosts[name]}`,
  `fd00:10:244:1::${hosts[name]}`,
];
const app = (name: Pod): object => ({ matchLabels: { app: name } });
const streamPort = 80;

/** Milliseconds; nothing is measured by it. */
const patience = 30_000;

type StartOptions = Pick<AgentStart, 'programs' | 'bundle'> & { readonly isRecorded?: boolean };

export class FaultCluster implements AsyncDisposable {
  readonly lab: Lab;
  readonly manifests: string;
  readonly stateDir: string;
  readonly steps: Steps;
  agent: AgentProcess | undefined;
  #isOpen = false;
  #streams: readonly Stream[] = [];

  private constructor(lab: Lab) {
    this.lab = lab;
    this.manifests = join(lab.folder, 'manifests');
    this.stateDir = join(lab.folder, 'state');
    this.steps = new Steps(lab.folder, this.stateDir);
  }

  static async create(): Promise<FaultCluster> {
    const lab = await Lab.create([labNode(1)]);
    const cluster = new FaultCluster(lab);
    try {
      await cluster.#fill();
    } catch (error) {
      await lab[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  async #fill(): Promise<void> {
    const { lab } = this;
    // Ports of callers come again after seconds: each flow is to be a new one.
    await lab.run('n1', 'sysctl', '-qw', 'net.netfilter.nf_conntrack_udp_timeout=5');
    for (const name of Object.keys(hosts) as Pod[])
      await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: addressesOf(name) });
    lab.prober.serve(lab.netns('server.x'), streamPort, 'TCP');
    lab.prober.serve(lab.netns('other.x'), streamPort, 'TCP');
    await lab.writeManifests(this.manifests, {
      cluster: [
        node('n1'),
        namespace('x'),
        ...(Object.keys(hosts) as Pod[]).map((name) => pod(`${name}.x`, { host: hosts[name], labels: { app: name } })),
        policy('only.x', { podSelector: app('server'), ingress: [{ from: [{ podSelector: app('client') }] }] }),
      ],
    });
    await this.toggle();
    // The denied one is established while nothing is enforced, and must be cut for good.
    this.#streams = await Promise.all(
      (['client', 'other'] as const).flatMap((from) =>
        addressesOf('server').map(async (to) => {
          const flow = await lab.prober.openStream({ from: lab.netns(`${from}.x`), to, port: streamPort });
          if (flow === undefined) throw new Error(`no stream from ${from} to ${to}`);
          return { flow, isAllowed: from === 'client' };
        }),
      ),
    );
  }

  /** Another policy of another pod: who may reach it is asked by `isInForce`. */
  toggle(): Promise<void> {
    return this.toggleTo(!this.#isOpen);
  }

  toggleTo(isOpen: boolean): Promise<void> {
    this.#isOpen = isOpen;
    const other: Manifest = policy('other.x', {
      podSelector: app('other'),
      ingress: this.#isOpen ? [{ from: [{ podSelector: app('client') }] }] : [],
    });
    return this.lab.writeManifests(this.manifests, { other: [other] });
  }

  /** Whether the last change is. */
  async isInForce(): Promise<boolean> {
    const [to] = addressesOf('other');
    const flow = { from: this.lab.netns('client.x'), to, port: streamPort, protocol: 'TCP' } as const;
    return (await this.lab.prober.probe([flow], 200))[0] === (this.#isOpen ? 'allowed' : 'blocked');
  }

  /** Whether the pod that only.x denies is denied. */
  async isDenied(): Promise<boolean> {
    const flows = addressesOf('server').map(
      (to) => ({ from: this.lab.netns('other.x'), to, port: streamPort, protocol: 'TCP' }) as const,
    );
    return (await this.lab.prober.probe(flows, 200)).every((outcome) => outcome === 'blocked');
  }

  /** @param every milliseconds from one flow of a relation to the next */
  traffic(every = 1): Traffic {
    const relations = (['client', 'other'] as const).flatMap((from, row) =>
      addressesOf('server').map((to, column): Relation => ({
        from: this.lab.netns(`${from}.x`),
        server: this.lab.netns('server.x'),
        ...{ to, port: 7_000 + 2 * row + column, isAllowed: from === 'client' },
      })),
    );
    return new Traffic(this.lab.prober, { relations, streams: this.#streams, every });
  }

  /** An agent that begins; its steps are recorded from the first. */
  begin({ isRecorded = true, ...options }: StartOptions = {}): AgentProcess {
    const { lab, manifests, stateDir, steps } = this;
    this.agent = new AgentProcess({
      netns: lab.netns('n1'),
      node: 'n1',
      stateDir,
      flags: { manifests },
      // A process that is the first of its namespace cannot kill itself.
      pidNamespace: 'host',
      ...options,
      ...(isRecorded ? { environment: steps.environment } : {}),
    });
    return this.agent;
  }

  async start(options: StartOptions = {}): Promise<AgentProcess> {
    const agent = this.begin(options);
    await this.settled();
    return agent;
  }

  /** Undefined where no agent answers. */
  async status(): Promise<AgentStatus | undefined> {
    return (await askAgent(this.stateDir, 'status').catch(() => undefined)) as AgentStatus | undefined;
  }

  /** The agent has ended, or everything is in force and no step follows. */
  async settled(within = patience): Promise<'ended' | 'settled'> {
    let last = -1;
    let since = performance.now();
    await until(async () => {
      if (this.agent?.hasEnded !== false) return true;
      const count = this.steps.begun.length;
      if (count !== last || !(await this.#isCalm())) [last, since] = [count, performance.now()];
      return performance.now() - since > quietFor;
    }, within);
    return this.agent?.hasEnded === false ? 'settled' : 'ended';
  }

  async #isCalm(): Promise<boolean> {
    const status = await this.status();
    if (status === undefined) return false;
    const { ready, waiting, failing, unattached } = status;
    return ready && waiting === 0 && failing.length === 0 && unattached.length === 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { flow } of this.#streams) flow[Symbol.dispose]();
    await this.agent?.kill();
    await this.lab[Symbol.asyncDispose]();
  }
}

/** Milliseconds without a step: the state file is written this long after the last change at most. */
const quietFor = 300;
