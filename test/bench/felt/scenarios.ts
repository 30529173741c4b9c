/** The clusters in which one change is measured from the user's write to the packet. */
import { pod, policy } from '../../cases/objects.js';
import type { Manifest } from '../../cases/types.js';
import { generateCluster } from '../generated-cluster.js';
import type { LivePod } from '../live/local-cluster.js';
import { manifestsOf } from '../manifests.js';

export interface Scenario {
  /** For `--rows`. */
  readonly name: string;
  readonly title: string;
  /** Milliseconds, of every change; CPU of the agent and its child processes for one. */
  readonly goals: { readonly p50: number; readonly p99: number; readonly processor: number };
  /** Other local pods. */
  readonly quiet: readonly string[];
  readonly objects: readonly Manifest[];
  /** Other policies isolate the server: a change opens it, and what is taken back blocks. */
  readonly isolated: boolean;
  /** Only friends reach it. */
  readonly closed: LivePod;
}

const labels = (app: string): object => ({ matchLabels: { app } });

export const client: LivePod = { end: 'client.x', host: 11, labels: { app: 'client' } };
export const server: LivePod = { end: 'server.x', host: 12, labels: { app: 'server' } };
export const joining: LivePod = { end: 'joining.x', host: 13, labels: { app: 'joining' } };
export const joined: LivePod = { ...joining, labels: { app: 'joining', role: 'friend' } };
const closed: LivePod = { end: 'closed.x', host: 14, labels: { app: 'closed' } };
export const livePods: readonly LivePod[] = [client, server, joining, closed];

const friendsOf = (app: string): Manifest =>
  policy('friends.x', {
    podSelector: labels(app),
    ingress: [{ from: [{ podSelector: { matchLabels: { role: 'friend' } } }] }],
  });

/** What is applied and deleted: nobody may reach the server any more. */
export const denying = policy('changing.x', { podSelector: labels('server'), policyTypes: ['Ingress'] });
/** The same where others isolate the server: the client may. */
export const allowing = policy('changing.x', {
  podSelector: labels('server'),
  ingress: [{ from: [{ podSelector: labels('client') }] }],
});

/** From 20 on, in the ranges that live pods have not. */
const quietAddress = (index: number): string =>
  `10.244.${index < 230 ? 1 : 3}.${index < 230 ? 20 + index : index - 229}`;

const numbered = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const fromPeer = (subject: object, peer: string): object => ({
  podSelector: subject,
  ingress: [{ from: [{ podSelector: labels(peer) }], ports: [{ protocol: 'TCP', port: 8080 }] }],
});

/** Pods of another node. */
const peers = (count: number): readonly Manifest[] =>
  numbered(count, (index) =>
    pod(`peer-${index}.x`, {
      node: 'n2',
      addresses: [`10.244.${100 + (index >> 8)}.${index & 255}`],
      labels: { app: `peer-${index % 50}` },
    }),
  );

const few: Scenario = {
  name: 'few',
  title: '10 policies',
  goals: { p50: 8, p99: 25, processor: 4 },
  quiet: [],
  isolated: false,
  closed,
  objects: [
    friendsOf('closed'),
    ...peers(50),
    ...numbered(9, (index) => policy(`other-${index}.x`, fromPeer(labels('closed'), `peer-${index}`))),
  ],
};

const onOnePod: Scenario = {
  name: 'on-one-pod',
  title: '1,000 policies on the pod',
  goals: { p50: 12, p99: 30, processor: 8 },
  quiet: [],
  isolated: true,
  closed: server,
  objects: [
    friendsOf('server'),
    ...peers(100),
    ...numbered(1000, (index) => policy(`other-${index}.x`, fromPeer(labels('server'), `peer-${index % 50}`))),
  ],
};

const localPods: Scenario = {
  name: 'local-pods',
  title: '250 local pods, a policy each',
  goals: { p50: 40, p99: 80, processor: 40 },
  quiet: numbered(250, quietAddress),
  isolated: false,
  closed,
  objects: [
    friendsOf('closed'),
    ...peers(50),
    ...numbered(250, (index) =>
      pod(`quiet-${index}.x`, { addresses: [quietAddress(index)], labels: { app: `quiet-${index}` } }),
    ),
    ...numbered(250, (index) => policy(`own-${index}.x`, fromPeer(labels(`quiet-${index}`), `peer-${index % 50}`))),
  ],
};

/** Profile of a large real one; its node `n0` is ours, and its local pods have addresses of ours. */
function inCluster(): Scenario {
  const count = 30;
  const generated = generateCluster({ policies: 10_000, pods: 5000, namespaces: 600, localPods: count });
  const addresses = new Map(generated.pods.slice(0, count).map(({ addresses: [own = ''] }, index) => [own, index]));
  const { namespaces = [], pods = [], policies = [] } = manifestsOf(generated);
  const local = (object: object): Manifest => {
    const manifest = object as Manifest & { spec: object; status: { podIPs: { ip: string }[] } };
    const index = addresses.get(manifest.status.podIPs[0]?.ip ?? '');
    if (index === undefined) return { ...manifest, spec: { ...manifest.spec, nodeName: 'n2' } };
    const podIPs = [{ ip: quietAddress(index) }];
    return {
      ...manifest,
      spec: { ...manifest.spec, nodeName: 'n1' },
      status: { phase: 'Running', podIPs },
    };
  };
  return {
    name: 'in-cluster',
    title: '10,000 policies in the cluster, 30 local pods',
    goals: { p50: 12, p99: 30, processor: 8 },
    quiet: numbered(count, quietAddress),
    isolated: false,
    closed,
    objects: [...(namespaces as Manifest[]), ...pods.map(local), ...(policies as Manifest[]), friendsOf('closed')],
  };
}

export const scenarios: readonly (() => Scenario)[] = [() => few, () => onOnePod, () => localPods, inCluster];
