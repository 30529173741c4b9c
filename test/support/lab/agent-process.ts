import { execa } from 'execa';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { bundle } from '../product.js';

export type AgentFlags = Readonly<Record<string, string>>;

export interface AgentStart {
  readonly netns: string;
  readonly node: string;
  readonly stateDir: string;
  /** Further ones: above all where the cluster comes from. */
  readonly flags: AgentFlags;
  /** What becomes the agent instead of our own bundle, with arguments of its own: a container. */
  readonly launch?: readonly string[];
  /** Default `own`, as in a container: there process ids are not the kernel's. */
  readonly pidNamespace?: 'own' | 'host';
  /** A folder in which it looks for programs first. */
  readonly programs?: string;
  /** Another copy of our own bundle. */
  readonly bundle?: string;
  /** Variables of its environment, beside those of the tests. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Milliseconds, on a machine that is busy with other tests. */
const startsWithin = 30_000;

/** The real agent, as a process in a node's network namespace. */
export class AgentProcess {
  readonly #child: ReturnType<typeof spawnAgent>;
  readonly lines: Readonly<Record<string, unknown>>[] = [];
  readonly #start: AgentStart;
  #rest = '';
  #exited = false;

  constructor(start: AgentStart) {
    this.#start = start;
    this.#child = spawnAgent(start);
    this.#child.stderr.setEncoding('utf8');
    this.#child.stderr.on('data', (chunk: string) => {
      const parts = (this.#rest + chunk).split('\n');
      this.#rest = parts.pop() ?? '';
      for (const line of parts)
        this.lines.push(line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { msg: line });
    });
    void this.#child.then(() => (this.#exited = true));
  }

  /** Of the agent itself, as this process sees it; -1 before there is one. */
  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined || !hasOwnPids(this.#start)) return pid ?? -1;
    const [child = ''] = textOf(`/proc/${pid}/task/${pid}/children`).split(' ');
    return child === '' ? -1 : Number(child);
  }

  /** Command lines of its children, by process id. */
  get children(): ReadonlyMap<number, string> {
    const found = new Map<number, string>();
    for (const task of entriesOf(`/proc/${this.pid}/task`))
      for (const child of textOf(`/proc/${this.pid}/task/${task}/children`).split(' ').filter(Boolean))
        found.set(Number(child), textOf(`/proc/${child}/cmdline`).split('\0').join(' ').trim());
    return found;
  }

  get hasEnded(): boolean {
    return this.#exited;
  }

  /** Waits for an `applied` line after `seen` lines with which everything noticed is in force; fails when the agent ends. */
  async applied(seen = 0, within = 10_000): Promise<Readonly<Record<string, unknown>>> {
    const deadline = performance.now() + within;
    let last: Readonly<Record<string, unknown>> | undefined;
    while (performance.now() < deadline) {
      const lines = this.lines.slice(seen).filter(({ msg }) => msg === 'applied');
      last = lines.find(({ waiting }) => waiting === undefined) ?? lines.at(-1);
      // What was waiting may alter nothing in the kernel, and then no line follows.
      if (last !== undefined && (last['waiting'] === undefined || (await this.status())['waiting'] === 0)) return last;
      if (this.#exited) break;
      await delay(5);
    }
    // Changes that never end leave something waiting at every moment.
    if (last !== undefined && !this.#exited) return last;
    throw new Error(`the agent on ${this.#start.node} applied nothing: ${JSON.stringify(this.lines.slice(-5))}`);
  }

  /** The first state is in the kernel, and every pod that can be attached has its guard. */
  async ready(): Promise<void> {
    await this.applied(0, startsWithin);
    const deadline = performance.now() + startsWithin;
    while (performance.now() < deadline) {
      const status = await this.status();
      if (status['ready'] === true && (status['unattached'] as unknown[]).length === 0) return;
      await delay(50);
    }
    throw new Error(`the agent on ${this.#start.node} is not ready: ${JSON.stringify(await this.status())}`);
  }

  async status(): Promise<Readonly<Record<string, unknown>>> {
    const { netns, stateDir } = this.#start;
    const args = ['netns', 'exec', netns, process.execPath, bundle, 'status', '--state-dir', stateDir, '-o', 'json'];
    const { stdout, stderr } = await execa('ip', args, { reject: false });
    if (stdout === '') throw new Error(`status printed nothing: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** SIGTERM, and its end. */
  async stop(): Promise<number | undefined> {
    this.#signal('SIGTERM');
    return (await this.#child).exitCode;
  }

  /** SIGKILL: no chance to do anything. */
  async kill(): Promise<void> {
    this.#signal('SIGKILL');
    await this.#child;
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this;
    // Without an agent yet, what would become it ends.
    if (pid < 0) this.#child.kill('SIGKILL');
    else if (!this.#exited) process.kill(pid, signal);
  }
}

/** Of what may be gone: nothing then. */
function ofProcess<T>(read: () => T, nothing: T): T {
  try {
    return read();
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return nothing;
  }
}
const textOf = (path: string): string => ofProcess(() => readFileSync(path, 'utf8'), '');
const entriesOf = (path: string): readonly string[] => ofProcess(() => readdirSync(path), []);

const hasOwnPids = ({ launch, pidNamespace = 'own' }: AgentStart): boolean =>
  launch === undefined && pidNamespace === 'own';

function spawnAgent(start: AgentStart) {
  const { netns, launch, programs, environment = {} } = start;
  // `ip netns exec` becomes what follows, so that a signal reaches it.
  return execa('ip', ['netns', 'exec', netns, ...(launch ?? ownBundle(start))], {
    reject: false,
    stdout: 'ignore',
    buffer: false,
    env: { ...environment, ...(programs === undefined ? {} : { PATH: `${programs}:${process.env['PATH'] ?? ''}` }) },
  });
}

function ownBundle(start: AgentStart): readonly string[] {
  const { node, stateDir, flags, bundle: file = bundle } = start;
  const given = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const namespace = hasOwnPids(start) ? ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] : [];
  return [
    ...namespace,
    process.execPath,
    file,
    'agent',
    '--node',
    node,
    '--state-dir',
    stateDir,
    '--log-format',
    'json',
    ...given,
  ];
}
