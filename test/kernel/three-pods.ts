/** A node with a client, another and a server that listens on TCP 80, under an agent. */
import { join } from 'node:path';
import { namespace, node, pod } from '../cases/objects.js';
import type { Manifest } from '../cases/types.js';
import type { AgentFlags } from '../support/lab/agent-process.js';
import { Lab, labNode } from '../support/lab/lab.js';

const hosts = { client: 11, other: 12, server: 13 } as const;

export const app = (name: string): object => ({ matchLabels: { app: name } });

/** @param flags what else the agent is given, by the lab's folder */
export async function threePods(
  policies: readonly Manifest[],
  flags: (folder: string) => AgentFlags = () => ({}),
): Promise<Lab> {
  const { lab, manifests } = await threePodsAlone(policies);
  await lab.startAgent('n1', { manifests, ...flags(lab.folder) });
  return lab;
}

/** The same without an agent. */
export async function threePodsAlone(
  policies: readonly Manifest[],
): Promise<{ readonly lab: Lab; readonly manifests: string }> {
  const lab = await Lab.create([labNode(1)]);
  const pods = Object.entries(hosts);
  for (const [name, host] of pods)
    await lab.addPod({ namespace: 'x', name, node: 'n1', addresses: [`10.244.1.${host}`, `fd00:10:244:1::${host}`] });
  lab.prober.serve(lab.netns('server.x'), 80, 'TCP');
  const cluster = [
    node('n1'),
    namespace('x'),
    ...pods.map(([name, host]) => pod(`${name}.x`, { host, labels: { app: name } })),
    ...policies,
  ];
  const manifests = join(lab.folder, 'manifests');
  await lab.writeManifests(manifests, { cluster });
  return { lab, manifests };
}
