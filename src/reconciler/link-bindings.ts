import { linkChange, type ClusterChange } from '../model/cluster.js';
import { isSamePod, unknownUid, type LinkBinding } from '../model/link-binding.js';
import type { Attachment } from '../model/attachment.js';
import { objectKey } from '../model/pod.js';

/**
 * Whose the links of this node are. A binding ends with its link: neither a pod's object that goes, nor tables that forget
 * where a pod is, nor a restart of the agent ends it. Another pod gets the link only where kernel/ grants it
 * (link-claims.ts); who was found is taken as granted here.
 */
export class LinkBindings {
  /** By index, which no other link ever has. */
  readonly #bindings: Map<number, LinkBinding>;
  #revision = 0;

  /** @param recorded what an earlier agent knew */
  constructor(recorded: readonly LinkBinding[] = []) {
    this.#bindings = new Map(recorded.map((one) => [one.ifindex, one]));
  }

  /** Grows with every change: what was recorded at an earlier one is out of date. */
  get revision(): number {
    return this.#revision;
  }

  all(): readonly LinkBinding[] {
    return [...this.#bindings.values()];
  }

  changes(): readonly ClusterChange[] {
    return this.all().map((one) => linkChange(one.ifindex, one));
  }

  /**
   * Links that no record names, by the guards that an earlier agent left on them.
   * @param live devices that are there, with their ifindex
   */
  adopt(guarded: readonly Omit<LinkBinding, 'ifindex'>[], live: ReadonlyMap<string, number>): readonly ClusterChange[] {
    // A device that was recorded with another index is another link now, which the old one's chain has hooked.
    const recorded = new Set(this.all().map(({ device }) => device));
    return guarded.flatMap((guard) => {
      const ifindex = live.get(guard.device);
      if (ifindex === undefined || recorded.has(guard.device) || this.#bindings.has(ifindex)) return [];
      const binding = { ...guard, ifindex };
      return [this.#note(ifindex, binding)];
    });
  }

  /** @returns what is new: links that were found to be pods', have other names or addresses, or are gone. */
  update(found: readonly Attachment[], live: ReadonlyMap<string, number>): readonly ClusterChange[] {
    const names = new Map([...live].map(([name, ifindex]) => [ifindex, name]));
    const changes: ClusterChange[] = [];
    for (const binding of this.all()) {
      const device = names.get(binding.ifindex);
      if (device === binding.device) continue;
      changes.push(this.#note(binding.ifindex, device === undefined ? undefined : { ...binding, device }));
    }
    for (const one of found) {
      if (isSameBinding(this.#bindings.get(one.ifindex), one)) continue;
      changes.push(this.#note(one.ifindex, one));
    }
    return [...changes, ...this.#leave(found)];
  }

  #note(ifindex: number, link: LinkBinding | undefined): ClusterChange {
    this.#revision += 1;
    if (link === undefined) this.#bindings.delete(ifindex);
    else this.#bindings.set(ifindex, link);
    return linkChange(ifindex, link);
  }

  /** A link whose pod was found at another one is nobody's that is known: closed, until a pod is found there. */
  #leave(found: readonly Attachment[]): readonly ClusterChange[] {
    const places = new Map(found.map((one) => [objectKey(one.pod), one]));
    return this.all().flatMap(({ pod, podUid, device, ifindex, ...link }) => {
      const place = places.get(objectKey(pod));
      if (place === undefined || place.podUid !== podUid || place.ifindex === ifindex) return [];
      const nobodys = {
        ...link,
        ifindex,
        device,
        pod: { namespace: '', name: device },
        podUid: unknownUid,
        addresses: [],
      };
      return [this.#note(ifindex, nobodys)];
    });
  }
}

const isSameBinding = (a: LinkBinding | undefined, b: LinkBinding): boolean =>
  a !== undefined &&
  isSamePod(a, b) &&
  a.podUid !== unknownUid &&
  a.device === b.device &&
  a.kind === b.kind &&
  a.bridge === b.bridge &&
  a.hardware === b.hardware &&
  a.addresses.join() === b.addresses.join();
