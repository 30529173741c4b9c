export interface KubeconfigOptions {
  readonly server: string;
  readonly user: { readonly token: string } | { readonly tokenFile: string };
  /** PEM; without it the server's certificate is not looked at. */
  readonly authority?: Buffer;
}

/** A kubeconfig of one context. */
export function kubeconfigOf({ server, user, authority }: KubeconfigOptions): string {
  const trust =
    authority === undefined
      ? { 'insecure-skip-tls-verify': true }
      : { 'certificate-authority-data': authority.toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, ...trust } }],
    users: [{ name: 'agent', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'agent' } }],
    'current-context': 'test',
  });
}
