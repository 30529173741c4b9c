export interface KubeconfigOptions {
  readonly server: string;
  readonly user: { readonly token: string } | { readonly tokenFile: string } | { readonly exec: ExecPlugin };
  /** An HTTP proxy on the way to the server. */
  readonly proxy?: string;
  /** PEM; without it the server's certificate is not looked at. */
  readonly authority?: Buffer;
}

/** A program that prints an ExecCredential. */
export interface ExecPlugin {
  readonly apiVersion: 'client.authentication.k8s.io/v1';
  readonly command: string;
  readonly args?: readonly string[];
  readonly interactiveMode: 'Never';
}

/** A kubeconfig of one context. */
export function kubeconfigOf({ server, user, authority, proxy }: KubeconfigOptions): string {
  const trust =
    authority === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': authority.toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, ...trust, ...(proxy === undefined ? {} : { 'proxy-url': proxy }) } }],
    users: [{ name: 'agent', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'agent' } }],
    'current-context': 'test',
  });
}
