/** What the commands answer about a table's cells: the same questions, in each way that there is. */
import { rangeContains } from '../../src/addresses/address-ranges.js';
import { compileInput, type CompiledInput } from '../../src/analysis/compiled-input.js';
import type { ClusterObjects } from '../../src/model/cluster-objects.js';
import { EndpointNames } from '../../src/analysis/endpoint-names.js';
import { questionsBetween } from '../../src/analysis/endpoint-questions.js';
import { checkAssertions } from '../../src/analysis/expectations.js';
import { answersFor, type Answer } from '../../src/analysis/questions.js';
import { Reach } from '../../src/analysis/reachability.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { hasPort, noPorts } from '../../src/evaluation/port-sets.js';
import { ManifestCollector } from '../../src/manifests/manifest-collector.js';
import { addressToNumber, familyOf, type Address, type Family } from '../../src/model/address.js';
import type { Pod } from '../../src/model/pod.js';
import type { Workload } from '../../src/model/workload.js';
import type { PortSet } from '../../src/model/reachability.js';
import { describeCell, type Cell, type Manifest } from './types.js';
import type { Pairing } from './cluster-state.js';

/** One flow of a cell, as the cell names its endpoints and by its addresses. */
export interface AskedFlow {
  readonly cell: Cell;
  readonly flow: Pairing;
}

/** There is none from a command that does not speak of such flows. */
export interface UserAnswer extends AskedFlow {
  /** With what it was asked. */
  readonly command: string;
  readonly allowed: boolean;
}

export class UserAnswers {
  readonly #input: CompiledInput;
  readonly #names: EndpointNames;
  readonly #evaluator: Evaluator;
  readonly #matrix: MatrixAnswers;

  constructor(objects: ClusterObjects) {
    this.#input = compileInput(objects, { ipBlocks: 'cluster', podCidrs: [], includeDryRun: false });
    this.#names = new EndpointNames(this.#input);
    this.#evaluator = new Evaluator(this.#input.program, this.#input.blocks);
    this.#matrix = new MatrixAnswers(this.#input);
  }

  /** @param manifests all that the cluster has */
  static from(manifests: readonly Manifest[]): UserAnswers {
    const collector = new ManifestCollector({ strict: true });
    for (const manifest of manifests) collector.takeText(JSON.stringify(manifest), 'table.json');
    const objects = collector.objects();
    if (objects.unparsed.length > 0) throw new Error(objects.unparsed.join('\n'));
    return new UserAnswers(objects);
  }

  /** Each way to ask about each flow. */
  answersTo(flows: readonly AskedFlow[]): readonly UserAnswer[] {
    const spelled = flows.flatMap((asked) => this.#spellings(asked).map((spelling) => ({ ...asked, spelling })));
    return [
      ...spelled.flatMap((one) => this.#can(one)),
      ...this.#test(spelled),
      ...flows.flatMap((asked): UserAnswer[] => {
        const allowed = this.#matrix.allows(asked.flow);
        return allowed === undefined ? [] : [{ ...asked, command: 'reach', allowed }];
      }),
    ];
  }

  /** All ports of a pair, where nobody names one: by command; undefined where it does not speak of such pairs. */
  portsOf(
    pair: Pick<Pairing, 'source' | 'destination' | 'family'>,
  ): Readonly<Record<'can' | 'reach', PortSet | undefined>> {
    const { source, destination, family } = pair;
    const [answer] = this.#answersOver(family, { from: source, to: destination });
    return { can: answer?.ports, reach: this.#matrix.portsOf(pair) };
  }

  /** By addresses; and as the cell has it, where people could write that. */
  #spellings({ cell, flow }: AskedFlow): readonly Spelling[] {
    const byAddress = { from: flow.source, to: flow.destination, port: `${flow.port}/${flow.protocol}` };
    const byName = { from: cell.from, to: cell.to, port: `${cell.port}/${cell.protocol}` };
    const isSame = byName.from === byAddress.from && byName.to === byAddress.to;
    return isSame || [cell.from, cell.to].some((name) => this.#isNameless(name)) ? [byAddress] : [byAddress, byName];
  }

  /** A node, and a finished pod: people ask by their addresses. */
  #isNameless(name: string): boolean {
    const isFinished = ({ ref, phase }: Pod): boolean =>
      `${ref.name}.${ref.namespace}` === name && (phase === 'Succeeded' || phase === 'Failed');
    return name.startsWith('node:') || this.#input.objects.pods.some(({ pod }) => isFinished(pod));
  }

  /** `podwall can`, which has no word for what has no ports. */
  #can({ cell, flow, spelling }: SpelledFlow): readonly UserAnswer[] {
    if (flow.protocol === 'other') return [];
    const command = `can ${spelling.from} ${spelling.to} ${spelling.port}`;
    const answers = this.#answersOver(flow.family, spelling);
    if (answers.length === 0) throw new Error(`${command}: no answer over ${flow.family}`);
    return [{ cell, flow, command, allowed: answers.every(({ allowed }) => allowed) }];
  }

  #answersOver(family: Family, { from, to, port }: Omit<Spelling, 'port'> & Partial<Spelling>): readonly Answer[] {
    return questionsBetween(this.#names, this.#names.named(from), this.#names.named(to), port)
      .flatMap((question) => answersFor(this.#evaluator, question))
      .filter((answer) => (answer.family ?? family) === family);
  }

  /** `podwall test`, held to an expectation in all families that the endpoints have: only the flow's counts here. */
  #test(flows: readonly SpelledFlow[]): readonly UserAnswer[] {
    const expect = flows.map(({ cell: { protocol }, spelling: { from, to, port } }) => ({
      ...{ from, to, protocol, allowed: true, path: [] },
      ...(protocol === 'ICMP' ? {} : { port: port.split('/')[0] ?? '' }),
    }));
    const outcomes = checkAssertions(
      this.#input,
      [{ expect, unlisted: 'unchecked', position: () => 'table' }],
      undefined,
    );
    return flows.map(({ cell, flow }, index): UserAnswer => {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error('each expectation has an outcome');
      const { title, failure } = outcome;
      if (failure?.startsWith('it is ') === false) throw new Error(`${title}: ${failure}`);
      return { cell, flow, command: `test ${title}`, allowed: failure?.includes(flow.family) !== true };
    });
  }
}

interface SpelledFlow extends AskedFlow {
  readonly spelling: Spelling;
}

interface Spelling {
  readonly from: string;
  readonly to: string;
  /** With its protocol. */
  readonly port: string;
}

/** `podwall reach`, all pairs at once: of workloads, and of ranges outside. */
class MatrixAnswers {
  readonly #input: CompiledInput;
  readonly #reach: Reach;
  readonly #allowed = new Map<string, PortSet>();

  constructor(input: CompiledInput) {
    this.#input = input;
    this.#reach = new Reach(input.workloads, input.program, { ...input.blocks, self: false });
    for (const { from, to, family, allowed } of this.#reach.connections)
      for (const one of family === undefined ? (['IPv4', 'IPv6'] as const) : [family])
        this.#allowed.set(`${from} ${to} ${one}`, allowed);
  }

  allows({ protocol, port, ...pair }: Pairing): boolean | undefined {
    const ports = protocol === 'other' ? undefined : this.portsOf(pair);
    return ports && protocol !== 'other' ? hasPort(ports, protocol, port) : undefined;
  }

  portsOf({ source, destination, family }: Pick<Pairing, 'source' | 'destination' | 'family'>): PortSet | undefined {
    if (this.#isOwnNode(source, destination) || this.#isOwnNode(destination, source)) return undefined;
    // What neither leaves nor enters a pod is no matter of policies.
    if (this.#workloadAt(source) === undefined && this.#workloadAt(destination) === undefined) return undefined;
    const [from, to] = [this.#idOf(source), this.#idOf(destination)];
    // What two pods of a workload may is another question than what a pod may to itself.
    if (from === undefined || to === undefined || from === to) return undefined;
    return this.#allowed.get(`${from} ${to} ${family}`) ?? noPorts;
  }

  /** It speaks of workloads, whose pods are on many nodes: what is a node's address is an address like any other. */
  #isOwnNode(pod: Address, other: Address): boolean {
    const { objects, workloads } = this.#input;
    const nodes = [
      ...objects.nodes.filter(({ addresses }) => addresses.includes(other)).map(({ name }) => name),
      ...objects.pods.filter(({ pod: one }) => one.hostAddresses?.includes(other)).map(({ pod: one }) => one.node),
    ];
    return workloads.some(({ pods }) =>
      pods.some(({ node, addresses }) => addresses.includes(pod) && nodes.includes(node)),
    );
  }

  #workloadAt(address: Address): Workload | undefined {
    return this.#input.workloads.find(({ addresses }) => addresses.includes(address));
  }

  #idOf(address: Address): string | undefined {
    const workload = this.#workloadAt(address);
    if (workload !== undefined) return workload.id;
    const [family, number] = [familyOf(address), addressToNumber(address)];
    return this.#reach.listed.find(({ range }) => range?.family === family && rangeContains(range, number))?.endpoint
      .id;
  }
}

export const describeAnswer = ({ cell, flow, command, allowed }: UserAnswer): string =>
  `${describeCell(cell)} over ${flow.family}: \`podwall ${command}\` says ${allowed ? 'allowed' : 'denied'}`;
