/** When addresses come into sets of a namespace's rules, as the kernel reports it. */
import { execa } from 'execa';
import { setTimeout as delay } from 'node:timers/promises';

export class ElementEvents implements AsyncDisposable {
  /** By address: performance.now() when it was first seen to be added. */
  readonly added = new Map<string, number>();
  readonly #child: ReturnType<typeof monitor>;

  private constructor(netns: string) {
    this.#child = monitor(netns);
    void this.#listen();
  }

  static async start(netns: string): Promise<ElementEvents> {
    const events = new ElementEvents(netns);
    // It says nothing when it is ready.
    await delay(1000);
    return events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#child;
  }

  async #listen(): Promise<void> {
    for await (const line of this.#child.iterable()) {
      const now = performance.now();
      for (const [address] of line.matchAll(/\b\d+\.\d+\.\d+\.\d+\b/g))
        if (!this.added.has(address)) this.added.set(address, now);
    }
  }
}

const monitor = (netns: string) =>
  execa('ip', ['netns', 'exec', netns, 'nft', 'monitor', 'new', 'elements'], { reject: false, buffer: false });
