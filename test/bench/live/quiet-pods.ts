/** Local pods that send nothing: devices and routes as the ptp plugin makes them, many at once, all in one namespace. */
import { execa } from 'execa';
import type { Lab } from '../../support/lab/lab.js';

/** @param addresses IPv4, a pod each, in the range of node `n1` */
export async function addQuietPods(lab: Lab, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return;
  const netns = `${lab.netns('n1')}-quiet`;
  await execa('ip', ['netns', 'add', netns]);
  const lines = addresses.flatMap((address, index) => [
    `link add quiet${index} type veth peer name eth${index} netns ${netns}`,
    `link set quiet${index} up`,
    `route add ${address}/32 dev quiet${index}`,
  ]);
  await execa('ip', ['-n', lab.netns('n1'), '-batch', '-'], { input: lines.join('\n') });
}
