import type { SyncedCluster } from '../../cluster/types.js';
import type { Node } from '../../model/pod.js';

/** This node's Node object as the cluster has it now. */
export class OwnNode implements Disposable {
  readonly #name: string;
  readonly #listener: Disposable;
  #node: Node | undefined;

  constructor(cluster: Pick<SyncedCluster, 'snapshot' | 'onChange'>, name: string) {
    this.#name = name;
    this.#node = cluster.snapshot().nodes.find((one) => one.name === name);
    this.#listener = cluster.onChange(({ changes }) => {
      for (const change of changes) if (change.kind === 'node' && change.name === name) this.#node = change.node;
    });
  }

  /** @throws Error while the cluster has no such Node: nothing would delete what belongs to none. */
  identity(): { readonly name: string; readonly uid: string } {
    const uid = this.#node?.uid;
    if (uid === undefined) throw new Error(`there is no Node ${this.#name} in the cluster`);
    return { name: this.#name, uid };
  }

  [Symbol.dispose](): void {
    this.#listener[Symbol.dispose]();
  }
}
