/**
 * What the objects of one tenant may be, so that others do not pay for them. One table: the agent's flags, its metrics, its
 * messages and lint follow from it; helm/podwall/values.yaml has the same names below agent.limits.
 */
interface LimitDefinition {
  /** Of `podwall agent` and of `podwall lint`, without its dashes. */
  readonly flag: string;
  /** What the number belongs to. */
  readonly of: 'policy' | 'pod' | 'namespace';
  /** What is counted, in words that follow the number. */
  readonly what: string;
  readonly standard: number;
}

/** Members of selectors count nowhere: how many pods a peer has is not the policy's doing. */
export const limitDefinitions = {
  policyCidrs: {
    flag: 'max-policy-cidrs',
    of: 'policy',
    what: 'CIDR ranges (each ipBlock and each of its excepts)',
    standard: 100_000,
  },
  policyPorts: { flag: 'max-policy-ports', of: 'policy', what: 'ports (of all rules)', standard: 5_000 },
  policyRules: { flag: 'max-policy-rules', of: 'policy', what: 'rules (of both directions)', standard: 1_000 },
  policyPeers: {
    flag: 'max-policy-peers',
    of: 'policy',
    what: 'peers with a podSelector or namespaceSelector',
    standard: 1_000,
  },
  policyBytes: { flag: 'max-policy-bytes', of: 'policy', what: 'bytes of its spec as JSON', standard: 1_048_576 },
  podPolicies: { flag: 'max-pod-policies', of: 'pod', what: 'policies that select the pod', standard: 1_000 },
  namespaceCidrs: {
    flag: 'max-namespace-cidrs',
    of: 'namespace',
    what: 'CIDR ranges of all policies of the namespace',
    standard: 200_000,
  },
  namespacePolicies: {
    flag: 'max-namespace-policies',
    of: 'namespace',
    what: 'policies of the namespace',
    standard: 10_000,
  },
} as const satisfies Readonly<Record<string, LimitDefinition>>;

export type LimitName = keyof typeof limitDefinitions;

/** The largest number that is within each limit. */
export type Limits = Readonly<Record<LimitName, number>>;

/** `warn`: what is over a limit is enforced all the same, and named. `enforce`: it fails closed. */
export type LimitMode = 'warn' | 'enforce';

/** What is held to which limits. */
export interface LimitSettings {
  readonly mode: LimitMode;
  readonly limits: Limits;
}

export const limitNames = Object.keys(limitDefinitions) as readonly LimitName[];

export const standardLimits = Object.fromEntries(
  limitNames.map((name) => [name, limitDefinitions[name].standard]),
) as Limits;

/** A number over its limit. */
export interface Excess {
  readonly limit: LimitName;
  readonly count: number;
  readonly most: number;
}

/** `120,000 CIDR ranges (…): more than 100,000 (--max-policy-cidrs)` */
export function excessText({ limit, count, most }: Excess): string {
  const { what, flag } = limitDefinitions[limit];
  return `${grouped(count)} ${what}: more than ${grouped(most)} (--${flag})`;
}

/** The same while the number changes: `more than 100,000 CIDR ranges (…) (--max-policy-cidrs)` */
export function limitText({ limit, most }: Pick<Excess, 'limit' | 'most'>): string {
  const { what, flag } = limitDefinitions[limit];
  return `more than ${grouped(most)} ${what} (--${flag})`;
}

/** With commas, whatever the locale of the process. */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
