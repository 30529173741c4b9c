/** Names of endpoints as people type them, taken apart; what they mean is asked of an input, or of a record. */

export interface EndpointName {
  /** In lower case, in the singular: `deployment`, `svc`, `node`, `dns`. */
  readonly kind?: string;
  /** Of `shop/web` it may be a kind that only the input knows. */
  readonly namespace?: string;
  /** It may end with a dot and a namespace where none is named before it. Empty where labels are given. */
  readonly name: string;
  /** As `kubectl -l` has them. */
  readonly labels?: string;
  /** `8080`, `http`, `53/UDP`. */
  readonly port?: string;
}

/** Short names, as kubectl takes them. */
const shortKinds: Readonly<Record<string, string>> = {
  po: 'pod',
  deploy: 'deployment',
  sts: 'statefulset',
  ds: 'daemonset',
  rs: 'replicaset',
  rc: 'replicationcontroller',
  cj: 'cronjob',
  service: 'svc',
  no: 'node',
};

const kinds: ReadonlySet<string> = new Set([...Object.values(shortKinds), 'job', 'dns']);

export function kindOf(text: string): string {
  const singular = text.toLowerCase().replace(/s$/, '');
  const known = [text.toLowerCase(), singular].find((one) => Object.hasOwn(shortKinds, one));
  return known === undefined ? singular : (shortKinds[known] ?? singular);
}

/** kindOf cuts the s of svc's plural only. */
const isKind = (text: string): boolean => kinds.has(kindOf(text)) || text.toLowerCase() === 'dns';

const portSuffix = /^(.+):(\d+|[a-z](?:[-a-z0-9]*[a-z0-9])?)(\/(?:tcp|udp|sctp))?$/i;
const dnsName = /^(?:([^./]+)\.)?([^./]+)\.([^./]+)\.svc(?:\.cluster\.local)?\.?$/;

export function parseEndpointName(text: string): EndpointName {
  const [, beforePort, number, protocol = ''] = portSuffix.exec(text) ?? [];
  const port = number === undefined ? {} : { port: `${number}${protocol.toUpperCase()}` };
  return { ...withoutPort(beforePort ?? text), ...port };
}

function withoutPort(text: string): EndpointName {
  const [, pod, service, namespace] = dnsName.exec(text) ?? [];
  if (service !== undefined && namespace !== undefined)
    return pod === undefined ? { kind: 'svc', namespace, name: service } : { kind: 'pod', namespace, name: pod };
  const equals = text.search(/[=!]/);
  if (equals >= 0) {
    // Keys of labels have slashes of their own: app.kubernetes.io/name=web.
    const [, before, labels = text] = /^([^/.,=!]+)\/(.+)$/.exec(text) ?? [];
    return { ...(before === undefined ? {} : { namespace: before }), name: '', labels };
  }
  const parts = text.split('/');
  const name = parts.pop() ?? '';
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) return { name: text };
  if (second !== undefined) return { namespace: first, kind: kindOf(second), name };
  return isKind(first)
    ? { kind: first.toLowerCase() === 'dns' ? 'dns' : kindOf(first), name }
    : { namespace: first, name };
}

/** Whether an object is called so: `web` in the namespace of names without one, or `web.shop`. */
export function isCalled(
  ref: { readonly namespace: string; readonly name: string },
  { namespace, name }: Pick<EndpointName, 'namespace' | 'name'>,
  standard: string,
): boolean {
  if (namespace !== undefined) return ref.namespace === namespace && ref.name === name;
  return (ref.namespace === standard && ref.name === name) || `${ref.name}.${ref.namespace}` === name;
}
