/** What records can be filtered by, named as `hubble observe` names it where it has a name for it. */
import { cidrContains, parseAddress, parseCidr, type Address, type Cidr } from '../../model/address.js';
import { directions } from '../../model/policy.js';
import { ends, isLoss, reasons, tiers, type End, type EventRecord } from '../record.js';
import type { RecordFields } from '../log/line-reader.js';
import { podOf } from './fields.js';

export type Criterion = (fields: RecordFields) => boolean;

export interface CriterionKind {
  readonly name: string;
  /** What its value looks like. */
  readonly value: string;
  readonly about: string;
  /** Values that it usually has. */
  readonly words?: readonly string[];
  /** Undefined for a value that is none. */
  readonly parse: (value: string) => Criterion | undefined;
}

type AtEnd = (end: End) => Criterion;

/** One kind for either end, one for each. */
function atEnds(name: string, value: string, about: string, parse: (value: string) => AtEnd | undefined) {
  const kind = (prefix: string, at: readonly End[]): CriterionKind => ({
    name: `${prefix}${name}`,
    value,
    about: `${about}${at.length === 2 ? ' at either end' : ` of the ${at.join()}`}`,
    parse: (text) => {
      const matches = parse(text);
      if (matches === undefined) return undefined;
      const each = at.map(matches);
      return (fields) => each.some((one) => one(fields));
    },
  });
  return [kind('', ends), kind('from-', ['source']), kind('to-', ['destination'])];
}

/** A pod by the beginning of its name, as hubble has it. */
function podCriterion(text: string): AtEnd {
  const slash = text.indexOf('/');
  if (slash >= 0) return (end) => (fields) => podOf(fields, end).startsWith(text);
  return (end) => (fields) => fields.get(`${end}.k8s.pod.name`)?.toString().startsWith(text) === true;
}

/** `web`, `shop/web`, `deployment/web`, `shop/deployment/web`. */
function workloadCriterion(text: string): AtEnd | undefined {
  const parts = text.toLowerCase().split('/');
  const name = parts.pop();
  if (name === undefined || parts.length > 2) return undefined;
  return (end) => (fields) => {
    const lower = (key: string): string => String(fields.get(`${end}.k8s.${key}`) ?? '').toLowerCase();
    const own =
      lower('workload.name') === '' ? ['pod', lower('pod.name')] : [lower('workload.kind'), lower('workload.name')];
    const [kind = '', called] = own;
    if (called !== name) return false;
    const namespace = lower('namespace.name');
    return parts.length === 2
      ? parts[0] === namespace && parts[1] === kind
      : parts.every((part) => part === namespace || part === kind);
  };
}

function addressCriterion(text: string): AtEnd | undefined {
  const address = parseAddress(text);
  if (address !== undefined) return (end) => (fields) => fields.get(`${end}.address`) === address;
  const cidr: Cidr | undefined = parseCidr(text);
  if (cidr === undefined) return undefined;
  return (end) => (fields) => {
    const value = fields.get(`${end}.address`);
    return value !== undefined && cidrContains(cidr, value as Address);
  };
}

function portCriterion(text: string): AtEnd | undefined {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  if (first === undefined) return undefined;
  return (end) => (fields) => {
    const port = Number(fields.get(`${end}.port`) ?? -1);
    return port >= Number(first) && port <= Number(last);
  };
}

const oneOf =
  (key: string, words: readonly string[]) =>
  (text: string): Criterion | undefined => {
    const word = words.find((one) => one.toLowerCase() === text.toLowerCase());
    return word === undefined ? undefined : (fields) => fields.get(key) === word;
  };

/** hubble's words say what became of the packet. */
const verdictWords: Readonly<Record<string, readonly [key: string, value: string]>> = {
  allow: ['podwall.verdict', 'allow'],
  deny: ['podwall.verdict', 'deny'],
  forwarded: ['event.outcome', 'success'],
  dropped: ['event.outcome', 'failure'],
  audit: ['podwall.mode', 'audit'],
};

function verdictCriterion(text: string): Criterion | undefined {
  const [key, value] = verdictWords[text.toLowerCase()] ?? [];
  return key === undefined ? undefined : (fields) => fields.get(key) === value;
}

function protocolCriterion(text: string): Criterion {
  const wanted = text.toLowerCase();
  return (fields) => {
    const transport = fields.get('network.transport');
    return transport === wanted || (wanted === 'icmp' && transport === 'ipv6-icmp');
  };
}

const ofEvent =
  (matches: (event: EventRecord) => boolean): Criterion =>
  (fields) => {
    const record = fields.record();
    return !isLoss(record) && matches(record);
  };

/** It decided, it isolates, or it was asked. */
const policyCriterion = (text: string): Criterion =>
  ofEvent(
    (event) =>
      event['security_rule.ruleset.name'] === text ||
      event['podwall.policies.isolating'].includes(text) ||
      event['podwall.trace'].some(
        ({ namespace, name }) => (namespace === undefined ? name : `${namespace}/${name}`) === text,
      ),
  );

function tierCriterion(text: string): Criterion | undefined {
  const wanted = tiers.find((tier) => tier.toLowerCase() === text.toLowerCase());
  if (wanted === undefined) return undefined;
  return ofEvent((event) => event['podwall.trace'].some(({ tier }) => tier === wanted));
}

export const criterionKinds: readonly CriterionKind[] = [
  ...atEnds('pod', '[namespace/]name', 'pods whose name begins so,', podCriterion),
  ...atEnds(
    'namespace',
    'name',
    'namespace',
    (text) => (end) => (fields) => fields.get(`${end}.k8s.namespace.name`) === text,
  ),
  ...atEnds('workload', '[namespace/][kind/]name', 'workload', workloadCriterion),
  ...atEnds('ip', 'address-or-cidr', 'address', addressCriterion),
  ...atEnds('port', 'number[-number]', 'port', portCriterion),
  {
    name: 'protocol',
    value: 'name',
    about: 'tcp, udp, sctp, icmp or a number',
    words: ['tcp', 'udp', 'sctp', 'icmp'],
    parse: protocolCriterion,
  },
  {
    name: 'traffic-direction',
    value: 'direction',
    about: directions.join(' or '),
    words: directions,
    parse: oneOf('network.direction', directions),
  },
  {
    name: 'verdict',
    value: 'verdict',
    about: `${Object.keys(verdictWords).join(', ')}; the last three as hubble means them`,
    words: Object.keys(verdictWords),
    parse: verdictCriterion,
  },
  {
    name: 'node-name',
    value: 'name',
    about: 'node of the record',
    parse: (text) => (fields) => fields.get('k8s.node.name') === text,
  },
  {
    name: 'policy',
    value: 'namespace/name',
    about: 'policies that decided, isolate or were asked',
    parse: policyCriterion,
  },
  {
    name: 'reason',
    value: 'reason',
    about: reasons.join(', '),
    words: reasons,
    parse: oneOf('podwall.reason', reasons),
  },
  {
    name: 'mode',
    value: 'mode',
    about: 'enforce, or audit for a dry run',
    words: ['enforce', 'audit'],
    parse: oneOf('podwall.mode', ['enforce', 'audit']),
  },
  { name: 'tier', value: 'tier', about: tiers.join(', '), words: tiers, parse: tierCriterion },
];
