/** What records can be filtered by, named as `hubble observe` names it where it has a name for it. */
import { directions } from '../../model/policy.js';
import { endpointRoles, isLoss, reasons, tiers, type EndpointRole, type EventRecord } from '../record.js';
import {
  addressCriterion,
  podCriterion,
  portCriterion,
  workloadCriterion,
  type EndpointCriterion,
  type Criterion,
} from './endpoint-criteria.js';

export interface CriterionKind {
  readonly name: string;
  /** What its value looks like. */
  readonly value: string;
  readonly about: string;
  /** Values that it usually has. */
  readonly words?: readonly string[];
  /** Values that have another name today: refused with it. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Undefined for a value that is none. */
  readonly parse: (value: string) => Criterion | undefined;
}

/** One kind for either end, one for each. */
function atEnds(name: string, value: string, about: string, parse: (value: string) => EndpointCriterion | undefined) {
  const kind = (prefix: string, at: readonly EndpointRole[]): CriterionKind => ({
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
  return [kind('', endpointRoles), kind('from-', ['source']), kind('to-', ['destination'])];
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
  'dry-run': ['podwall.mode', 'dry-run'],
};

function verdictCriterion(text: string): Criterion | undefined {
  const [key, value] = verdictWords[text.toLowerCase()] ?? [];
  return key === undefined ? undefined : (fields) => fields.get(key) === value;
}

/** As records name them; all others stand there by their number. */
const protocolNames: ReadonlyMap<string, string> = new Map([
  ['1', 'icmp'],
  ['6', 'tcp'],
  ['17', 'udp'],
  ['58', 'ipv6-icmp'],
  ['132', 'sctp'],
]);

function protocolCriterion(text: string): Criterion | undefined {
  const wanted = protocolNames.get(text) ?? text.toLowerCase();
  const isNumber = /^\d{1,3}$/.test(wanted) && Number(wanted) < 256;
  if (!isNumber && ![...protocolNames.values()].includes(wanted)) return undefined;
  return (fields) => {
    const transport = fields.get('network.transport');
    return transport === wanted || (text.toLowerCase() === 'icmp' && transport === 'ipv6-icmp');
  };
}

/** All of these flags, in any order. */
function flagsCriterion(text: string): Criterion | undefined {
  const wanted = text.toUpperCase().split(',');
  if (wanted.some((flag) => !tcpFlags.includes(flag))) return undefined;
  return (fields) => {
    const flags = fields.get('podwall.tcp_flags')?.toString().split(',') ?? [];
    return wanted.every((flag) => flags.includes(flag));
  };
}

const tcpFlags: readonly string[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'];

function versionCriterion(text: string): Criterion | undefined {
  const [, digit] = /^v?([46])$/.exec(text.toLowerCase()) ?? [];
  return digit === undefined ? undefined : (fields) => fields.get('network.type') === `ipv${digit}`;
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
  { name: 'ip-version', value: 'version', about: 'v4 or v6', words: ['v4', 'v6'], parse: versionCriterion },
  {
    name: 'tcp-flags',
    value: 'flag[,flag]',
    about: `of the first packet: ${tcpFlags.join(', ')}`,
    words: tcpFlags,
    parse: flagsCriterion,
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
    about: `${Object.keys(verdictWords).join(', ')}; forwarded and dropped as hubble means them`,
    words: Object.keys(verdictWords),
    renamed: { audit: 'dry-run' },
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
    name: 'rule',
    value: 'rule',
    about: 'the rule that decided, as ingress[0]',
    parse: (text) =>
      /^(in|e)gress\[\d+\]$/.test(text) ? (fields) => fields.get('security_rule.name') === text : undefined,
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
    about: 'enforce, or dry-run',
    renamed: { audit: 'dry-run' },
    words: ['enforce', 'dry-run'],
    parse: oneOf('podwall.mode', ['enforce', 'dry-run']),
  },
  { name: 'tier', value: 'tier', about: tiers.join(', '), words: tiers, parse: tierCriterion },
];
