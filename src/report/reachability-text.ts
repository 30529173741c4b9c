/**
 * Who may reach whom, for people: by destination, in the namespace that it is of. What is alike is said once: of
 * workloads that fare alike, and of what all of a namespace have in common.
 */
import type { GroupedReachability, Reachability, ReachEndpoint } from '../model/reachability.js';
import { groupBy } from '../generic/group-by.js';
import { GroupText, type GroupTextOptions } from './group-text.js';
import { allowedText } from './reachability.js';
import { formatTable } from './table.js';

export function* printPairTable({ connections, warnings }: Reachability): Generator<string> {
  for (const warning of warnings) yield `warning: ${warning}\n`;
  yield `${formatTable([['FROM', 'TO', 'ALLOWED'], ...[...connections].map((one) => [one.from, one.to, allowedText(one)])])}\n`;
}

/** Sources by what they may reach: indices of groups by the text of the ports. */
type Rows = ReadonlyMap<string, readonly number[]>;

interface Destination {
  readonly groups: readonly number[];
  readonly members: readonly string[];
  readonly rows: Rows;
}

interface Around {
  /** All there are, so that "all of a namespace" is that. */
  readonly endpoints: readonly ReachEndpoint[];
  readonly warnings: readonly string[];
  /** Neither sources nor destinations are filtered: the summary line is printed. */
  readonly isWhole: boolean;
}

export function* printGroups(grouped: GroupedReachability, around: Around): Generator<string> {
  for (const warning of around.warnings) yield `warning: ${warning}\n`;
  const printer = new Printer(grouped, new GroupText(around.endpoints));
  if (around.isWhole) yield `${printer.summary()}\n`;
  yield* printer.print();
}

const severalNamespaces = 'several namespaces';
const outside = 'outside';

class Printer {
  readonly #groups: GroupedReachability['groups'];
  readonly #groupText: GroupText;
  readonly #destinations: readonly Destination[];

  constructor({ groups, destinations, connections }: GroupedReachability, groupText: GroupText) {
    this.#groups = groups;
    this.#groupText = groupText;
    const into = groupBy(connections, ({ to }) => to);
    this.#destinations = destinations.map((index) => ({
      groups: [index],
      members: groups[index] ?? [],
      rows: new Map(
        [...groupBy(into.get(index) ?? [], allowedText)].map(([ports, ones]) => [ports, ones.map(({ from }) => from)]),
      ),
    }));
  }

  *print(): Generator<string> {
    const bySection = groupBy(this.#destinations, (one) => this.#sectionOf(one));
    const section = (name: string): readonly Destination[] => bySection.get(name) ?? [];
    const namespaces = [...bySection.keys()].filter((name) => name !== severalNamespaces && name !== outside).sort();
    const { spread, alone } = this.#acrossNamespaces(section(severalNamespaces), namespaces.map(section));
    const reached = section(outside).filter(({ rows }) => rows.size > 0);
    const sections = [
      { title: 'alike in several namespaces', destinations: spread, namespace: undefined },
      ...alone.map((destinations) => {
        const namespace = this.#groupText.namespaceOf(destinations[0]?.members[0] ?? '') ?? '';
        return { title: namespace, destinations, namespace };
      }),
      { title: 'outside', destinations: reached, namespace: undefined },
    ].filter(({ destinations }) => destinations.length > 0);
    for (const [index, { title, destinations, namespace }] of sections.entries()) {
      yield `${index === 0 ? '' : '\n'}${title}\n`;
      yield* this.#printSection(destinations, namespace);
    }
    if (this.#groupText.isShortened) yield '\n--pairs names everyone; --to and --from ask about some\n';
  }

  /** Namespaces with the same reachability for all of their workloads are printed together. */
  #acrossNamespaces(
    spread: readonly Destination[],
    namespaces: readonly (readonly Destination[])[],
  ): { readonly spread: readonly Destination[]; readonly alone: readonly (readonly Destination[])[] } {
    const uniform = groupBy(
      [...spread.map((one) => [one]), ...namespaces].filter((ones) => ones[0] !== undefined && this.#isUniform(ones)),
      ([one]) => (one === undefined ? '' : this.#inFull(one.rows, { except: one.members })),
    );
    const together = [...uniform.values()].filter((ones) => ones.length > 1).flat();
    return {
      spread: [...spread, ...together.flat().filter((one) => !spread.includes(one))],
      alone: namespaces.filter((ones) => !together.includes(ones)),
    };
  }

  #isUniform(destinations: readonly Destination[]): boolean {
    const texts = new Set(destinations.map(({ rows, members }) => this.#inFull(rows, { except: members })));
    if (texts.size > 1) return false;
    const members = destinations.flatMap((one) => one.members);
    const namespaces = new Set(members.map((id) => this.#groupText.namespaceOf(id) ?? ''));
    return namespaces.size > 1 || [...namespaces].every((name) => this.#groupText.sizeOf(name) === members.length);
  }

  #sectionOf({ members }: Destination): string {
    if (members.some((id) => this.#groupText.isOutside(id))) return outside;
    const namespaces = new Set(members.map((id) => this.#groupText.namespaceOf(id)));
    const [only = severalNamespaces] = namespaces;
    return namespaces.size === 1 ? only : severalNamespaces;
  }

  summary(): string {
    const workloads = this.#destinations.filter((one) => this.#sectionOf(one) !== outside);
    const count = (some: readonly Destination[]): number => some.reduce((sum, { members }) => sum + members.length, 0);
    const namespaces = new Set(
      workloads.flatMap(({ members }) => members.map((id) => this.#groupText.namespaceOf(id))),
    );
    const open = workloads.filter(({ rows }) =>
      this.#groupText.isAnywhereOutside(new Set(this.#idsOf(rows.get('all ports') ?? []))),
    );
    const closed = workloads.filter(({ rows }) => rows.size === 0);
    const parts = [
      `${counted(count(workloads), 'workload')} in ${counted(namespaces.size, 'namespace')}`,
      `${count(open)} open to the internet on all ports`,
      `${count(closed)} to nobody`,
    ];
    return `${parts.join(', ')}\n`;
  }

  *#printSection(destinations: readonly Destination[], namespace: string | undefined): Generator<string> {
    const common = namespace === undefined ? new Map<string, readonly number[]>() : inCommon(destinations);
    const home = namespace === undefined ? {} : { home: namespace };
    if (common.size > 0) {
      const isWhole = destinations.flatMap(({ members }) => members).length === this.#groupText.sizeOf(namespace ?? '');
      yield isWhole ? `  all of ${namespace ?? ''}\n` : '  each of these\n';
      yield this.#rowsText(common, home);
    }
    const alike = groupBy(
      destinations.map((one) => ({ ...one, rows: without(one.rows, common) })),
      ({ rows, members }) => this.#inFull(rows, { ...home, except: members }),
    );
    for (const ones of alike.values()) {
      const members = ones.flatMap((one) => one.members);
      const [{ rows, members: except } = { rows: common, members }] = ones;
      yield `  ${this.#groupText.describe(members, { ...home, inFull: true })}\n`;
      if (rows.size > 0) yield this.#rowsText(rows, { ...home, except });
      else yield common.size > 0 ? '    nobody else\n' : '    nobody\n';
    }
  }

  /** Equal for those who fare alike: what is said of them, and nobody left out. */
  #inFull(rows: Rows, options: GroupTextOptions): string {
    return this.#rowsText(rows, { ...options, inFull: true });
  }

  #rowsText(rows: Rows, options: GroupTextOptions): string {
    if (rows.size === 0) return '';
    const cells = [...rows].map(([ports, from]) => [
      `    ${ports}`,
      `from ${this.#groupText.describe(this.#idsOf(from), options)}`,
    ]);
    return `${formatTable(cells)}\n`;
  }

  #idsOf(groups: readonly number[]): readonly string[] {
    return groups.flatMap((group) => this.#groups[group] ?? []);
  }
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Rows that all destinations share, in at least two of them; what a destination allows itself is left out. */
function inCommon(destinations: readonly Destination[]): Rows {
  const common = new Map<string, readonly number[]>();
  const isTrue = (ports: string, source: number): boolean => {
    const reached = destinations.filter(({ rows }) => rows.get(ports)?.includes(source) === true);
    const itself = destinations.some(({ groups, members }) => members.length === 1 && groups.includes(source));
    return reached.length > 1 && reached.length + (itself ? 1 : 0) >= destinations.length;
  };
  for (const ports of new Set(destinations.slice(0, 3).flatMap(({ rows }) => [...rows.keys()]))) {
    const sources = new Set(destinations.slice(0, 3).flatMap(({ rows }) => rows.get(ports) ?? []));
    const found = [...sources].filter((source) => isTrue(ports, source));
    if (found.length > 0) common.set(ports, found);
  }
  return common;
}

const without = (rows: Rows, common: Rows): Rows =>
  new Map(
    [...rows].flatMap(([ports, sources]) => {
      const rest = sources.filter((source) => common.get(ports)?.includes(source) !== true);
      return rest.length === 0 ? [] : [[ports, rest] as const];
    }),
  );
