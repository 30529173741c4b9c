/** The chart installed by helm into a real API server, beside a lab whose node runs the DaemonSet's containers. */
import { execa } from 'execa';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeApiServer, missingApiServer } from '../support/kube-api-server.js';
import type { Lab } from '../support/lab/lab.js';
import { missingForPackets } from '../support/lab/prerequisites.js';
import { chartFolder, missingHelm, program, release } from './chart.js';
import type { DaemonSet } from './daemon-set.js';

/** Why there can be no such cluster here, in a sentence. */
export const missingForCluster = missingHelm ?? missingForPackets() ?? missingApiServer;

export class InstalledChart implements AsyncDisposable {
  readonly server: KubeApiServer;
  readonly #lab: Lab;
  readonly #kubeconfig: string;

  private constructor(lab: Lab, server: KubeApiServer, kubeconfig: string) {
    this.#lab = lab;
    this.server = server;
    this.#kubeconfig = kubeconfig;
  }

  /** An API server outside the lab's nodes; the chart is not yet in it. */
  static async start(lab: Lab): Promise<InstalledChart> {
    const server = await KubeApiServer.start(lab);
    return new InstalledChart(lab, server, await server.kubeconfig('admin'));
  }

  /** helm with a command that changes the cluster; what it prints. */
  async helm(command: 'install' | 'upgrade' | 'uninstall', values: readonly string[] = []): Promise<string> {
    const chart = command === 'uninstall' ? [] : [chartFolder];
    const set = values.flatMap((value) => ['--set', value]);
    const place = ['--namespace', release.namespace, '--kubeconfig', this.#kubeconfig];
    const args = [command, release.name, ...chart, ...place, ...set];
    return (await this.#lab.run('outside', program('helm'), ...args)).stdout;
  }

  /** kubectl with `input` on its stdin; what it prints. Rejects with the server's refusal. */
  async kubectl(args: readonly string[], input = ''): Promise<string> {
    const command = ['netns', 'exec', this.#lab.netns('outside'), program('kubectl')];
    return (await execa('ip', [...command, '--kubeconfig', this.#kubeconfig, ...args], { input })).stdout;
  }

  /** As the server stored it, defaults filled in. */
  async daemonSet(): Promise<DaemonSet> {
    const args = ['get', 'daemonset', release.name, '--namespace', release.namespace, '--output', 'json'];
    return JSON.parse(await this.kubectl(args)) as DaemonSet;
  }

  /** What the kubelet mounts into a pod of a service account: a token for it, and the server's certificate. */
  async serviceAccountFolder(name: string): Promise<string> {
    const path = `/api/v1/namespaces/${release.namespace}/serviceaccounts/${name}/token`;
    const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
    const { status } = (await this.server.admin.call('POST', path, request)) as { status: { token: string } };
    const folder = join(this.#lab.folder, `account-${name}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'token'), status.token);
    await writeFile(join(folder, 'ca.crt'), (await this.server.certificate()).cert);
    await writeFile(join(folder, 'namespace'), release.namespace);
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}
