/** Walks a ruleset as the kernel does, for the first packet of a flow. Knows just the expressions that we write. */
import { compile } from '../../src/compiler/compiler.js';
import { render, type RenderOptions } from '../../src/nftables/render/renderer.js';
import type { Cell, Manifest } from '../cases/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { cidrContains, parseCidr, type Address } from '../../src/model/address.js';
import type { NftSet, Ruleset, Statement } from '../../src/nftables/language/types.js';
import type { Flow } from '../../src/evaluation/types.js';

/** Of a flow's first packet, unless given otherwise. */
export interface Packet {
  /** After those that were walked since the last first one, whose sets still hold what they recorded. */
  readonly isLater?: true;
  /** To conntrack it is new all the same. */
  readonly isUnanswered?: true;
  /** Of TCP and SCTP: in the middle of a stream that conntrack has not seen. */
  readonly isMiddle?: true;
  /** Conntrack does not know it; it is sent from this port. */
  readonly untrackedFrom?: number;
  /** Sets of this name have no room. */
  readonly full?: string;
}

interface Walk {
  readonly allowed: boolean;
  readonly logged: readonly string[];
  /** Whether the verdict cache has the relation from now on. */
  readonly isCached: boolean;
  /** Named counters that counted it, each as often as it did. */
  readonly counters: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;
type Outcome = 'accept' | 'drop' | undefined;

const protocolNumbers: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, sctp: 132 };

export class Interpreter {
  readonly #ruleset: Ruleset;
  #logged: string[] = [];
  #counters: string[] = [];
  #packet: Packet = {};
  /** What this packet, and those before it, put into sets. */
  readonly #recorded: Set<string>;
  readonly #setOf: (name: string) => NftSet | undefined;

  /**
   * @param recorded what packets put into sets before, as `@SET KEY`; more is added to it
   * @param setOf the sets, where they are not those of the ruleset: a packet may meet new elements on old rules
   */
  constructor(ruleset: Ruleset, recorded = new Set<string>(), setOf?: (name: string) => NftSet | undefined) {
    this.#ruleset = ruleset;
    this.#recorded = recorded;
    this.#setOf = setOf ?? ((name) => ruleset.sets.get(name));
  }

  allows(flow: Flow, packet: Packet = {}): boolean {
    return this.walk(flow, packet).allowed;
  }

  /** The verdict, the chains that a packet is logged by on its way, and whether the verdict cache has it from now on. */
  walk(flow: Flow, packet: Packet = {}): Walk {
    this.#logged = [];
    this.#counters = [];
    this.#packet = packet;
    if (packet.isLater !== true) this.#recorded.clear();
    const allowed = this.#chain('forward', flow) === 'accept';
    const isCached = [...this.#recorded].some((element) => element.startsWith('@cache'));
    return { allowed, logged: this.#logged, isCached, counters: this.#counters };
  }

  #chain(name: string, flow: Flow): Outcome {
    const chain = this.#ruleset.chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name}`);
    for (const { statements } of chain.rules) {
      const outcome = this.#rule(statements, flow);
      if (outcome === 'return') return chain.hook?.policy;
      if (outcome !== undefined) return outcome;
    }
    return chain.hook?.policy;
  }

  /** `return`: the rule went to a chain that decided nothing. */
  #rule(statements: readonly Statement[], flow: Flow): Outcome | 'return' {
    for (const statement of statements) {
      const { match, vmap, goto, jump, set, log } = statement as Readonly<Record<string, Json | undefined>>;
      if ('return' in statement) return 'return';
      if ('accept' in statement) return 'accept';
      if ('drop' in statement) return 'drop';
      if (goto !== undefined) return this.#chain(String(goto['target']), flow) ?? 'return';
      if (jump !== undefined) {
        const outcome = this.#chain(String(jump['target']), flow);
        if (outcome !== undefined) return outcome;
      } else if (vmap !== undefined) {
        const verdict = this.#set(vmap['data']).elements.get(
          this.#values(vmap['key'] as Json, flow)?.join(' . ') ?? '',
        );
        if (verdict !== undefined) return this.#chain(verdict.replace('goto ', ''), flow) ?? 'return';
      } else if (match !== undefined) {
        if (!this.#matches(match, flow)) return undefined;
      } else if (log !== undefined) this.#logged.push(String(log['prefix']).split(' ')[1] ?? '');
      else if (set !== undefined) {
        const values = this.#values(set['elem'] as Json, flow);
        if (values === undefined || this.#isFull(String(set['set']))) return undefined;
        this.#recorded.add(`${String(set['set'])} ${values.join(' . ')}`);
      } else if ('counter' in statement) this.#counters.push(statement['counter']);
      else if (!('limit' in statement)) throw new Error(JSON.stringify(statement));
    }
    return undefined;
  }

  #isFull(set: string): boolean {
    return this.#packet.full !== undefined && set.startsWith(`@${this.#packet.full}`);
  }

  #set(reference: unknown): NftSet {
    const set = this.#setOf(String(reference).slice(1));
    if (set === undefined) throw new Error(`no set ${String(reference)}`);
    return set;
  }

  #matches({ op, left, right }: Json, flow: Flow): boolean {
    const values = this.#values(left as Json, flow);
    if (values === undefined) return false;
    const among = (candidates: readonly unknown[]): boolean => candidates.includes(values[0]);
    const found =
      typeof right === 'string' && right.startsWith('@')
        ? contains(this.#set(right), values) || this.#recorded.has(`${right} ${values.join(' . ')}`)
        : Array.isArray(right)
          ? among(right)
          : among(
              typeof right === 'object'
                ? ((right as Json)['set'] as unknown[])
                : [typeof right === 'number' ? String(right) : right],
            );
    return op === '!=' ? !found : found;
  }

  /** Undefined when the expression does not load for this packet, and the rule does not match. */
  #values(expression: Json, flow: Flow): readonly string[] | undefined {
    const { concat } = expression;
    if (Array.isArray(concat)) {
      const parts = concat.map((part: Json) => this.#values(part, flow));
      return parts.some((part) => part === undefined) ? undefined : parts.flatMap((part) => part ?? []);
    }
    const value = load(expression, flow, this.#packet);
    return value === undefined ? undefined : [value];
  }
}

function load(expression: Json, flow: Flow, packet: Packet): string | undefined {
  const { ct, meta, payload } = expression as Readonly<Record<string, Json | undefined>>;
  const six = flow.source.includes(':');
  const protocol = flow.protocol === 'other' ? 'icmp' : flow.protocol.toLowerCase();
  if (meta?.['key'] === 'iif') return '1';
  if (meta !== undefined) return meta['key'] === 'nfproto' ? (six ? 'ipv6' : 'ipv4') : protocol;
  if (ct !== undefined && packet.untrackedFrom !== undefined) return ct['key'] === 'state' ? 'untracked' : undefined;
  if (ct !== undefined) {
    if (ct['key'] === 'state') return packet.isLater === true && packet.isUnanswered !== true ? 'established' : 'new';
    if (ct['key'] === 'direction') return 'original';
    if (ct['key'] === 'protocol') return protocol;
    if (ct['key'] === 'proto-src') return ct['dir'] === 'original' ? '40000' : String(flow.port);
    if ((ct['key'] === 'ip6 saddr') !== six) return undefined;
    return ct['dir'] === 'original' ? flow.source : flow.destination;
  }
  if (expression['&'] !== undefined) return protocol !== 'tcp' ? undefined : packet.isMiddle === true ? 'ack' : 'syn';
  if (payload?.['protocol'] === (six ? 'ip6' : 'ip') && payload['field'] === 'saddr') return flow.source;
  if (payload?.['protocol'] === (six ? 'ip6' : 'ip') && payload['field'] === 'daddr') return flow.destination;
  if (payload?.['field'] === 'saddr' || payload?.['field'] === 'daddr') return undefined;
  // The type of the first chunk.
  if (payload?.['base'] === 'th') return protocol !== 'sctp' ? undefined : packet.isMiddle === true ? '4' : '1';
  if (payload?.['protocol'] === 'th')
    return protocol === 'icmp'
      ? undefined
      : String(payload['field'] === 'dport' ? flow.port : (packet.untrackedFrom ?? 40_000));
  // An echo, and never from the link: neighbour discovery has 255.
  if (payload?.['field'] === 'hoplimit') return six ? '63' : undefined;
  if (payload?.['field'] === 'type') return 'echo-request';
  throw new Error(`a flow's first packet does not depend on ${JSON.stringify(expression)}`);
}

function contains(set: NftSet, values: readonly string[]): boolean {
  if (!set.interval) return set.elements.has(values.join(' . '));
  return [...set.elements.keys()].some((key) =>
    key.split(' . ').every((part, index) => covers(part, values[index] ?? '')),
  );
}

/** Of each part of a key of an interval set, read once: what values it covers. */
const readers = new Map<string, (value: string) => boolean>();

function covers(part: string, value: string): boolean {
  const reader = readers.get(part) ?? readPart(part);
  readers.set(part, reader);
  return part === value || reader(value);
}

function readPart(part: string): (value: string) => boolean {
  const network = parseCidr(part);
  const isAddress = (value: string): value is Address => /[.:]/.test(value);
  if (network !== undefined) return (value) => isAddress(value) && cidrContains(network, value);
  const [first = NaN, last = NaN] = part.split('-').map(Number);
  return (value) => {
    const number = protocolNumbers[value] ?? Number(value);
    return first <= number && number <= last;
  };
}

/** Of these cells, those that the rules of node n1 decide otherwise. */
export function wrongCells(
  objects: readonly Manifest[],
  cells: readonly Cell[],
  how: Partial<RenderOptions>,
): readonly Cell[] {
  const state = new ClusterState();
  state.take({ apply: objects });
  const program = compile(state.snapshot(), { scope: { node: 'n1' } });
  const kernel = new Interpreter(render(program, { established: 'reevaluate', ...how }));
  return cells.filter((cell) => state.pairings(cell).some((flow) => kernel.allows(flow) !== cell.allowed));
}
