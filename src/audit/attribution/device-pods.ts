import type { Attachment } from '../../model/attachment.js';
import type { ClusterChange } from '../../model/cluster.js';
import { objectKey, type Pod } from '../../model/pod.js';
import { Timeline } from '../timeline.js';

/** Milliseconds. A device name is reused together with its pod's name. */
const past = { kept: 10 * 60_000, pastKeys: 4096 };

/** Which pod was behind a device when a packet arrived. Times are milliseconds since the epoch. */
export class DevicePods {
  readonly #keys = new Timeline<string, string>(past);
  readonly #pods = new Timeline<string, Pod>(past);
  #attached: ReadonlySet<string> = new Set();

  changesCompiled(changes: readonly ClusterChange[], time: number): void {
    for (const change of changes)
      if (change.kind === 'pod') this.#pods.set(objectKey(change.ref), change.pod, time, (a, b) => a.uid === b.uid);
  }

  /** The pods whose devices are known at `time`. */
  podsAttached(attachments: readonly Attachment[], time: number): void {
    const before = this.#attached;
    this.#attached = new Set(attachments.map(({ device }) => device));
    for (const device of before) if (!this.#attached.has(device)) this.#keys.set(device, undefined, time);
    for (const { device, pod } of attachments) this.#keys.set(device, objectKey(pod), time);
  }

  podBehind(device: string, time: number): Pod | undefined {
    const key = this.#keys.latest(device, time);
    return key === undefined ? undefined : this.#pods.at(key, time);
  }
}
