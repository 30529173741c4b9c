/** A credential plugin: a program that prints an ExecCredential (client.authentication.k8s.io). */
import { execa } from 'execa';
import { readFileSync } from 'node:fs';
import type { RawCluster, RawExec } from './kubeconfig-files.js';

/** PEM, or a bearer token, or both. */
interface PluginCredential {
  readonly token?: string;
  readonly clientCertificateData?: string;
  readonly clientKeyData?: string;
}

/** Milliseconds. A plugin may wait for somebody's log in in a browser. */
const answerWithin = 5 * 60_000;
const clusterExtension = 'client.authentication.k8s.io/exec';

export class ExecPlugin {
  readonly #exec: RawExec;
  readonly #cluster: RawCluster;
  #asking: Promise<PluginCredential> | undefined;
  #known: { readonly credential: PluginCredential; readonly until: number } | undefined;

  constructor(exec: RawExec, cluster: RawCluster) {
    this.#exec = exec;
    this.#cluster = cluster;
  }

  /** Asks once until what it said expires, for all who wait. @throws Error that names the program */
  async credential(): Promise<PluginCredential> {
    if (this.#known !== undefined && Date.now() < this.#known.until) return this.#known.credential;
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #ask(): Promise<PluginCredential> {
    const { command = '' } = this.#exec;
    const status = this.#statusIn(await this.#run(command), command);
    const expires = Date.parse(status.expirationTimestamp ?? '');
    this.#known = { credential: status, until: Number.isNaN(expires) ? Infinity : expires };
    return status;
  }

  async #run(command: string): Promise<string> {
    const { args, env, installHint } = this.#exec;
    const own = Object.fromEntries((env ?? []).map(({ name = '', value = '' }) => [name, value]));
    const ran = await execa(command, args ?? [], {
      env: { ...own, KUBERNETES_EXEC_INFO: JSON.stringify(this.#request()) },
      stdin: 'ignore',
      timeout: answerWithin,
      reject: false,
    });
    if (!ran.failed) return ran.stdout;
    const hint = ran.code === 'ENOENT' && installHint ? `\n${installHint}` : '';
    // Absent, whatever the types say, where it did not start at all.
    const stderr = ran.stderr as string | undefined;
    throw new Error(`${command}: ${stderr?.trim() || ran.shortMessage || 'failed'}${hint}`);
  }

  #request(): object {
    const { apiVersion, provideClusterInfo = false } = this.#exec;
    const { extensions, 'certificate-authority': file, ...cluster } = this.#cluster;
    const authority = file ? { 'certificate-authority-data': readFileSync(file).toString('base64') } : {};
    const config = extensions?.find(({ name }) => name === clusterExtension)?.extension;
    const info = { ...cluster, ...authority, ...(config === undefined ? {} : { config }) };
    return {
      apiVersion,
      kind: 'ExecCredential',
      spec: { interactive: false, ...(provideClusterInfo ? { cluster: info } : {}) },
    };
  }

  #statusIn(text: string, command: string): PluginCredential & { readonly expirationTimestamp?: string } {
    const answer = JSON.parse(text) as {
      readonly kind?: string;
      readonly apiVersion?: string;
      readonly status?: PluginCredential & { readonly expirationTimestamp?: string };
    };
    const { apiVersion } = this.#exec;
    if (answer.kind !== 'ExecCredential' || answer.apiVersion !== apiVersion)
      throw new Error(
        `${command}: answered ${answer.kind ?? 'no kind'} of ${answer.apiVersion ?? 'no version'}, not ExecCredential of ${apiVersion ?? ''}`,
      );
    const { status } = answer;
    const { token, clientCertificateData, clientKeyData } = status ?? {};
    if (status === undefined || (!token && !clientCertificateData && !clientKeyData))
      throw new Error(`${command}: answered neither a token nor a certificate`);
    if (!clientCertificateData !== !clientKeyData)
      throw new Error(`${command}: answered a certificate without its key, or the key alone`);
    return status;
  }
}
