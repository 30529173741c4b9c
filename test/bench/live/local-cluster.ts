/** A lab node with pods that flows are sent between, and what the API knows of them. */
import { namespace, node, pod } from '../../cases/objects.js';
import type { Manifest } from '../../cases/types.js';
import { Lab, labNode } from '../../support/lab/lab.js';
import type { FlowPath } from './flow-stream.js';
import { addQuietPods } from './quiet-pods.js';

/** A pod that takes part in flows: attached by the CNI plugin. */
export interface LivePod {
  /** `server.x` */
  readonly end: string;
  /** Last part of its addresses. */
  readonly host: number;
  readonly labels: Readonly<Record<string, string>>;
}

export const objectOf = ({ end, host, labels }: LivePod): Manifest => pod(end, { host, labels });

const addressOf = (host: number): string => `10.244.1.${host}`;

export interface LocalCluster extends AsyncDisposable {
  readonly lab: Lab;
  /** The node, namespaces and live pods. */
  readonly objects: readonly Manifest[];
  path(from: LivePod, to: LivePod, port: number): FlowPath;
}

/** @param quiet IPv4 addresses of further local pods */
export async function createLocalCluster(pods: readonly LivePod[], quiet: readonly string[]): Promise<LocalCluster> {
  const lab = await Lab.create([labNode(1, 'ptp')]);
  try {
    for (const { end, host } of pods) {
      const [name = '', space = ''] = end.split('.');
      const addresses = [addressOf(host), `fd00:10:244:1::${host}`];
      await lab.addPod({ namespace: space, name, node: 'n1', addresses });
    }
    await addQuietPods(lab, quiet);
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
  const spaces = new Set(pods.map(({ end }) => end.split('.')[1] ?? ''));
  return {
    lab,
    objects: [node('n1'), ...[...spaces].map((name) => namespace(name)), ...pods.map(objectOf)],
    path: (from, to, port) => ({
      from: lab.netns(from.end),
      server: lab.netns(to.end),
      to: addressOf(to.host),
      port,
    }),
    [Symbol.asyncDispose]: () => lab[Symbol.asyncDispose](),
  };
}
