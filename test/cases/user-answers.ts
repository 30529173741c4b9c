/** What users are told of a table's cells: the same questions that the commands ask, in each way that there is. */
import { rangeContains } from '../../src/addresses/address-ranges.js';
import { compileInput, type ClusterObjects, type CompiledInput } from '../../src/analysis/compiled-input.js';
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

export interface UserAnswer {
  /** The command and what it was asked. */
  readonly asked: string;
  /** Undefined where it does not speak of such flows. */
  readonly allowed: boolean | undefined;
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

  /** Each way to ask about a flow. */
  answersTo(asked: AskedFlow): readonly UserAnswer[] {
    return [
      ...this.#spellings(asked).flatMap((spelling) => [this.#can(spelling, asked.flow), this.#test(spelling, asked)]),
      { asked: 'reach', allowed: this.#matrix.allows(asked.flow) },
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
    return [byAddress, ...([cell.from, cell.to].some((name) => this.#isNameless(name)) ? [] : [byName])];
  }

  /** A node, and a finished pod: people ask by their addresses. */
  #isNameless(name: string): boolean {
    const isFinished = ({ ref, phase }: Pod): boolean =>
      `${ref.name}.${ref.namespace}` === name && (phase === 'Succeeded' || phase === 'Failed');
    return name.startsWith('node:') || this.#input.objects.pods.some(({ pod }) => isFinished(pod));
  }

  /** `podwall can`, which has no word for what has no ports. */
  #can({ from, to, port }: Spelling, { protocol, family }: Pairing): UserAnswer {
    const asked = `can ${from} ${to} ${port}`;
    if (protocol === 'other') return { asked, allowed: undefined };
    const answers = this.#answersOver(family, { from, to, port });
    if (answers.length === 0) throw new Error(`${asked}: no answer over ${family}`);
    return { asked, allowed: answers.every(({ allowed }) => allowed) };
  }

  #answersOver(family: Family, { from, to, port }: Omit<Spelling, 'port'> & Partial<Spelling>): readonly Answer[] {
    return questionsBetween(this.#names, this.#names.named(from), this.#names.named(to), port)
      .flatMap((question) => answersFor(this.#evaluator, question))
      .filter((answer) => (answer.family ?? family) === family);
  }

  /** `podwall test`, held to an expectation in all families that the endpoints have: only this one counts here. */
  #test({ from, to, port }: Spelling, { cell, flow: { family } }: AskedFlow): UserAnswer {
    const { protocol } = cell;
    const expectation = {
      from,
      to,
      protocol,
      allowed: true,
      path: [],
      ...(protocol === 'ICMP' ? {} : { port: port.split('/')[0] ?? '' }),
    };
    const [checked] = checkAssertions(
      this.#input,
      [{ expect: [expectation], unlisted: 'unchecked', position: () => 'table' }],
      undefined,
    );
    if (checked === undefined) throw new Error('an expectation has an outcome');
    return { asked: `test ${checked.title}`, allowed: checked.failure?.includes(family) !== true };
  }
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
    const nodes = objects.nodes.filter(({ addresses }) => addresses.includes(other)).map(({ name }) => name);
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

export const describeAnswer = (cell: Cell, flow: Pairing, { asked, allowed }: UserAnswer): string =>
  `${describeCell(cell)} over ${flow.family}: \`podwall ${asked}\` says ${allowed === true ? 'allowed' : 'denied'}`;
