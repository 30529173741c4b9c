/** Kernel settings in the lab's network namespaces. */
import { writeFileSync } from 'node:fs';
import * as libc from './libc.js';

/** No duplicate address detection: an address can be used at once. */
export const skipAddressDetection = (namespace: string): void =>
  writeSettings(namespace, { 'ipv6/conf/all/accept_dad': '0', 'ipv6/conf/default/accept_dad': '0' });

/** Kernel settings below /proc/sys/net, which belong to the network namespace of the thread that writes them. */
export function writeSettings(namespace: string, values: Readonly<Record<string, string>>): void {
  libc.inNamed(namespace, () => {
    for (const [name, value] of Object.entries(values)) writeFileSync(`/proc/sys/net/${name}`, value);
  });
}
