/** As many UDP datagrams as one socket sends while other work goes on. */
import { setImmediate as turn } from 'node:timers/promises';
import * as libc from './libc.js';

export interface FloodTarget {
  /** Network namespace of the sender. */
  readonly from: string;
  /** One address, or several of one family. With their ports: one after the other, again and again. */
  readonly to: string | readonly string[];
  readonly ports: readonly number[];
}

/** Sends until the work is done. @returns datagrams that the kernel took. */
export async function flood({ from, to, ports }: FloodTarget, work: () => Promise<void>): Promise<number> {
  const addresses = typeof to === 'string' ? [to] : to;
  const targets = addresses.flatMap((address) => ports.map((port) => libc.socketAddress(address, port)));
  const isIpv6 = addresses.some((address) => address.includes(':'));
  const fd = libc.inNamed(from, () => libc.socket(isIpv6 ? libc.AF_INET6 : libc.AF_INET, libc.SOCK_DGRAM));
  const payload = Buffer.from('flood');
  const ending = new AbortController();
  let sent = 0;
  const sending = (async () => {
    for (let next = 0; !ending.signal.aborted; next += 200) {
      for (let burst = 0; burst < 200; burst += 1) {
        const target = targets[(next + burst) % targets.length];
        if (target !== undefined && libc.sendTo(fd, payload, target) > 0) sent += 1;
      }
      await turn();
    }
  })();
  try {
    await work();
  } finally {
    ending.abort();
    await sending;
    libc.close(fd);
  }
  return sent;
}
