/** Many endpoints in few words. */
import { groupBy } from '../generic/group-by.js';
import type { ReachEndpoint } from '../model/reachability.js';

type WorkloadEndpoint = Extract<ReachEndpoint, { kind: 'workload' }>;

export interface GroupTextOptions {
  /** Of whom it goes without saying that they are left out: of one to itself. */
  readonly except?: readonly string[];
  /** The namespace whose name goes without saying. */
  readonly home?: string;
  /** Every name, however many. */
  readonly inFull?: boolean;
}

/** Words for some endpoints, and how many they are. */
interface Piece {
  readonly text: string;
  readonly count: number;
}

const mostPieces = 6;
/** Names that are written out; more are counted. */
const mostNames = 6;
const mostNamesAtHome = 12;

const listed = (names: readonly string[]): string => (names.length === 1 ? names.join('') : `{${names.join(', ')}}`);

export class GroupText {
  /** Somebody was counted, and not named. */
  isShortened = false;
  readonly #endpoints: ReadonlyMap<string, ReachEndpoint>;
  readonly #byNamespace: ReadonlyMap<string, readonly WorkloadEndpoint[]>;
  readonly #outside: readonly string[];

  constructor(endpoints: readonly ReachEndpoint[]) {
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    const workloads = endpoints.filter((one): one is WorkloadEndpoint => one.kind === 'workload');
    this.#byNamespace = groupBy(workloads, ({ namespace }) => namespace);
    this.#outside = endpoints.filter(({ kind }) => kind === 'external').map(({ id }) => id);
  }

  isOutside(id: string): boolean {
    return this.#endpoints.get(id)?.kind !== 'workload';
  }

  /** Undefined for what is no workload. */
  namespaceOf(id: string): string | undefined {
    const endpoint = this.#endpoints.get(id);
    return endpoint?.kind === 'workload' ? endpoint.namespace : undefined;
  }

  sizeOf(namespace: string): number {
    return this.#byNamespace.get(namespace)?.length ?? 0;
  }

  /** Everything outside the cluster, or the endpoint that represents it. */
  isAnywhereOutside(ids: ReadonlySet<string>): boolean {
    return this.#isWholeOutside(ids) || [...ids].some((id) => this.#endpoints.get(id)?.kind === 'internet');
  }

  #isWholeOutside(ids: ReadonlySet<string>): boolean {
    return this.#outside.length > 0 && this.#outside.every((id) => ids.has(id));
  }

  describe(ids: readonly string[], options: GroupTextOptions = {}): string {
    const all = new Set(ids);
    const outside = this.#isWholeOutside(all)
      ? ['the internet']
      : this.#cut(
          this.#outside.filter((id) => all.has(id)).map((id) => ({ text: id, count: 1 })),
          options,
        );
    const other = ids.filter((id) => this.isOutside(id) && !this.#outside.includes(id));
    return [...this.#workloads(all, options), ...outside, ...other].join(', ');
  }

  #workloads(all: ReadonlySet<string>, options: GroupTextOptions): readonly string[] {
    const { except = [], inFull = false } = options;
    const itself = except.length === 1 ? except[0] : undefined;
    const everyone = new Set([...this.#byNamespace.values()].flat().map(({ id }) => id));
    if (itself !== undefined) everyone.delete(itself);
    const left = new Set([...everyone].filter((id) => !all.has(id)));
    const chosen = this.#pieces(new Set([...everyone].filter((id) => all.has(id))), itself, options);
    if (left.size === 0 && this.#byNamespace.size > 1) return ['every workload'];
    if (inFull || left.size > everyone.size / 2) return this.#cut(chosen, options);
    const others = this.#pieces(left, itself, options);
    return others.length < chosen.length && this.#byNamespace.size > 1
      ? [`every workload but ${this.#cut(others, options).join(' and ')}`]
      : this.#cut(chosen, options);
  }

  /** Whole namespaces first, then parts of them. */
  #pieces(some: ReadonlySet<string>, itself: string | undefined, options: GroupTextOptions): readonly Piece[] {
    const { home, inFull = false } = options;
    const present = [...this.#byNamespace]
      .map(([namespace, endpoints]) => ({ namespace, endpoints, here: endpoints.filter(({ id }) => some.has(id)) }))
      .filter(({ here }) => here.length > 0);
    const isWhole = ({ endpoints }: (typeof present)[number]): boolean =>
      endpoints.length > 1 && endpoints.every(({ id }) => id === itself || some.has(id));
    const parts = present.filter((one) => !isWhole(one));
    const elsewhere = parts.filter(({ namespace }) => namespace !== home).flatMap(({ here }) => here).length;
    return [
      ...this.#wholes(present.filter(isWhole), inFull),
      ...parts.flatMap(({ namespace, endpoints, here }) => {
        const isLong = namespace === home ? here.length > mostNamesAtHome : elsewhere > mostNames && here.length > 2;
        if (inFull || !isLong) return namesOf(here, namespace === home ? '' : `${namespace}/`);
        this.isShortened = true;
        return [{ text: `${here.length} of the ${endpoints.length} in ${namespace}`, count: here.length }];
      }),
    ];
  }

  #wholes(
    namespaces: readonly { readonly namespace: string; readonly here: readonly WorkloadEndpoint[] }[],
    inFull: boolean,
  ): readonly Piece[] {
    if (namespaces.length === 0) return [];
    const shown = inFull || namespaces.length <= mostNames ? namespaces : namespaces.slice(0, mostNames - 1);
    const rest = namespaces.length - shown.length;
    if (rest > 0) this.isShortened = true;
    const names = [...shown.map(({ namespace }) => namespace), ...(rest === 0 ? [] : [`${rest} more`])];
    const count = namespaces.reduce((sum, { here }) => sum + here.length, 0);
    return [{ text: `all of ${listed(names)}`, count }];
  }

  #cut(pieces: readonly Piece[], { inFull }: GroupTextOptions): readonly string[] {
    if (pieces.length <= mostPieces || inFull === true) return pieces.map(({ text }) => text);
    this.isShortened = true;
    const rest = pieces.slice(mostPieces - 1).reduce((sum, { count }) => sum + count, 0);
    return [...pieces.slice(0, mostPieces - 1).map(({ text }) => text), `${rest} more`];
  }
}

/** `Deployment/{api, web}`, `StatefulSet/db` */
const namesOf = (endpoints: readonly WorkloadEndpoint[], prefix: string): readonly Piece[] =>
  [...groupBy(endpoints, ({ workload }) => workload.kind)].map(([kind, ones]) => {
    // An id may distinguish pods of one workload.
    const names = ones.map(({ id, namespace }) => id.slice(`${namespace}/${kind}/`.length));
    return { text: `${prefix}${kind}/${listed(names)}`, count: ones.length };
  });
