/** The criteria by which records are filtered, with the names of `hubble observe` where it has one. */
import { tcpFlags, transportNames } from '../transports.js';
import { directions } from '../../model/policy.js';
import { endpointRoles, isEvent, isScan, reasons, tiers, type EndpointRole, type EventRecord } from '../record.js';
import {
  addressCriterion,
  podCriterion,
  portCriterion,
  workloadCriterion,
  type EndpointCriterion,
  type Criterion,
} from './endpoint-criteria.js';

interface CriterionKind {
  readonly name: string;
  /** The form of its value, for the help. */
  readonly value: string;
  readonly about: string;
  /** Its usual values. */
  readonly words?: readonly string[];
  /** Values that have another name today: refused with it. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Undefined for an invalid value. */
  readonly parse: (value: string) => Criterion | undefined;
}

/** Three kinds: for either endpoint, for the source, for the destination. */
function perEndpoint(
  name: string,
  value: string,
  about: string,
  parse: (value: string) => EndpointCriterion | undefined,
) {
  const kind = (prefix: string, at: readonly EndpointRole[]): CriterionKind => ({
    name: `${prefix}${name}`,
    value,
    about: `${about}${at.length === 2 ? ' of source or destination' : ` of the ${at.join()}`}`,
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

/** hubble's words say what happened to the packet. */
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

/** By the text of its IANA number. */
const namesByNumber: ReadonlyMap<string, string> = new Map(Object.entries(transportNames));

function protocolCriterion(text: string): Criterion | undefined {
  const name = namesByNumber.get(text) ?? text.toLowerCase();
  const isNumber = /^\d{1,3}$/.test(name) && Number(name) < 256;
  if (!isNumber && ![...namesByNumber.values()].includes(name)) return undefined;
  return (fields) => {
    const transport = fields.get('network.transport');
    return transport === name || (text.toLowerCase() === 'icmp' && transport === 'ipv6-icmp');
  };
}

/** All of these flags, in any order. */
function flagsCriterion(text: string): Criterion | undefined {
  const required = text.toUpperCase().split(',');
  if (required.some((flag) => !tcpFlags.includes(flag))) return undefined;
  return (fields) => {
    const flags = fields.get('podwall.tcp_flags')?.toString().split(',') ?? [];
    return required.every((flag) => flags.includes(flag));
  };
}

function versionCriterion(text: string): Criterion | undefined {
  const [, digit] = /^v?([46])$/.exec(text.toLowerCase()) ?? [];
  return digit === undefined ? undefined : (fields) => fields.get('network.type') === `ipv${digit}`;
}

const ofEvent =
  (matches: (event: EventRecord) => boolean): Criterion =>
  (fields) => {
    const record = fields.record();
    return isEvent(record) && matches(record);
  };

/** The policy decided, isolates, or was evaluated. */
function policyCriterion(text: string): Criterion {
  const decided = ofEvent(
    (event) =>
      event['security_rule.ruleset.name'] === text ||
      event['podwall.policies.isolating'].includes(text) ||
      event['podwall.trace'].some(
        ({ namespace, name }) => (namespace === undefined ? name : `${namespace}/${name}`) === text,
      ),
  );
  return (fields) => {
    const record = fields.record();
    return isScan(record) ? record['podwall.policies.isolating'].includes(text) : decided(fields);
  };
}

function tierCriterion(text: string): Criterion | undefined {
  const known = tiers.find((tier) => tier.toLowerCase() === text.toLowerCase());
  if (known === undefined) return undefined;
  return ofEvent((event) => event['podwall.trace'].some(({ tier }) => tier === known));
}

export const criterionKinds: readonly CriterionKind[] = [
  ...perEndpoint('pod', '[namespace/]name', 'beginning of the pod name', podCriterion),
  ...perEndpoint(
    'namespace',
    'name',
    'namespace',
    (text) => (end) => (fields) => fields.get(`${end}.k8s.namespace.name`) === text,
  ),
  ...perEndpoint('workload', '[namespace/][kind/]name', 'workload', workloadCriterion),
  ...perEndpoint('ip', 'address-or-cidr', 'address', addressCriterion),
  ...perEndpoint('port', 'number[-number]', 'port', portCriterion),
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
    about: 'policies that decided, isolate or were evaluated',
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
