/** Who may reach whom, for people: by destination, with what is alike said once. */
import type { GroupedReachability, Reachability, ReachEndpoint } from '../model/reachability.js';
import { groupBy } from '../model/group-by.js';
import { allowedText } from './reachability.js';
import { formatTable } from './table.js';

export function* printPairTable({ connections, warnings }: Reachability): Generator<string> {
  for (const warning of warnings) yield `warning: ${warning}\n`;
  yield `${formatTable([['FROM', 'TO', 'ALLOWED'], ...[...connections].map((one) => [one.from, one.to, allowedText(one)])])}\n`;
}

/** @param endpoints all there are, so that "all of a namespace" is that */
export function* printGroups(
  { groups, destinations, connections }: GroupedReachability,
  endpoints: readonly ReachEndpoint[],
  warnings: readonly string[],
): Generator<string> {
  for (const warning of warnings) yield `warning: ${warning}\n`;
  const crowd = new Crowd(endpoints);
  const into = groupBy(connections, ({ to }) => to);
  for (const index of destinations) {
    const members = groups[index] ?? [];
    const byPorts = groupBy(into.get(index) ?? [], allowedText);
    const rows = [...byPorts].map(([ports, from]) => [
      `  ${ports}`,
      `from ${crowd.describe(
        from.flatMap((one) => groups[one.from] ?? []),
        members,
      )}`,
    ]);
    if (rows.length === 0 && members.some((id) => crowd.isOutside(id))) continue;
    yield `${crowd.describe(members)}\n`;
    yield rows.length === 0 ? '  nobody\n' : `${formatTable(rows)}\n`;
  }
}

const shown = 6;

/** Many ends in few words. */
export class Crowd {
  readonly #kinds: ReadonlyMap<string, ReachEndpoint>;
  readonly #byNamespace: ReadonlyMap<string, readonly string[]>;
  readonly #outside: readonly string[];

  constructor(endpoints: readonly ReachEndpoint[]) {
    this.#kinds = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const workloads = endpoints.flatMap((one) => (one.kind === 'workload' ? [one] : []));
    this.#byNamespace = new Map(
      [...groupBy(workloads, ({ namespace }) => namespace)].map(([name, ones]) => [name, ones.map(({ id }) => id)]),
    );
    this.#outside = endpoints.filter(({ kind }) => kind === 'external').map(({ id }) => id);
  }

  isOutside(id: string): boolean {
    return this.#kinds.get(id)?.kind !== 'workload';
  }

  /** @param except of whom it goes without saying that they are left out */
  describe(ids: readonly string[], except: readonly string[] = []): string {
    const all = new Set(ids);
    const others = (some: readonly string[]): readonly string[] =>
      except.length === 1 ? some.filter((id) => id !== except[0]) : some;
    const isWhole = (some: readonly string[]): boolean => some.length > 0 && others(some).every((id) => all.has(id));
    const outside = isWhole(this.#outside) ? ['anywhere outside'] : short(this.#outside.filter((id) => all.has(id)));
    const other = ids.filter((id) => !this.#outside.includes(id) && this.isOutside(id));
    const namespaces = [...this.#byNamespace];
    if (namespaces.length > 1 && namespaces.every(([, some]) => isWhole(some)))
      return ['every workload', ...outside, ...other].join(', ');
    const whole = namespaces.filter(([, some]) => some.length > 2 && isWhole(some)).map(([name]) => name);
    const single = namespaces.flatMap(([name, some]) => (whole.includes(name) ? [] : some.filter((id) => all.has(id))));
    return [...short(whole.map((name) => `all of ${name}`)), ...short(single), ...outside, ...other].join(', ');
  }
}

const short = (names: readonly string[]): readonly string[] =>
  names.length <= shown ? names : [...names.slice(0, shown - 1), `${names.length - shown + 1} more`];
