/** Who a user of a kubeconfig is to the API server, beyond what the official client knows. */
import { readFileSync } from 'node:fs';
import type { KubeConfig } from '@kubernetes/client-node';
import type { OutgoingHttpHeaders } from 'node:http';
import type { RequestOptions } from 'node:https';
import { ExecPlugin } from './exec-plugin.js';
import type { RawCluster, RawUser } from './kubeconfig-files.js';

type Authenticator = Parameters<KubeConfig['addAuthenticator']>[0];

export class UserCredentials implements Authenticator {
  readonly #user: RawUser;
  readonly #plugin: ExecPlugin | undefined;

  constructor(user: RawUser, cluster: RawCluster) {
    this.#user = user;
    this.#plugin = user.exec && new ExecPlugin(user.exec, cluster);
  }

  /** It is of the one user of its configuration. */
  isAuthProvider(): boolean {
    return true;
  }

  /** @throws Error that says which credentials are not available */
  async applyAuthentication(_: unknown, options: RequestOptions): Promise<void> {
    const plugin = await this.#plugin?.credential();
    if (plugin?.clientCertificateData !== undefined && plugin.clientKeyData !== undefined)
      Object.assign(options, { cert: plugin.clientCertificateData, key: plugin.clientKeyData });
    const token = this.#token() ?? plugin?.token;
    const headers: OutgoingHttpHeaders = {
      ...(options.headers as OutgoingHttpHeaders | undefined),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...this.#impersonation(),
    };
    options.headers = headers;
  }

  /** A file goes before a token beside it, and is read anew each time: tokens are rotated. */
  #token(): string | undefined {
    const { token, tokenFile, 'auth-provider': provider } = this.#user;
    if (tokenFile) {
      const read = readFileSync(tokenFile, 'utf8').trim();
      if (read === '') throw new Error(`${tokenFile} is empty`);
      return read;
    }
    return token || (provider === undefined ? undefined : idToken(provider.config ?? {}));
  }

  #impersonation(): OutgoingHttpHeaders {
    const { as, 'as-uid': uid, 'as-groups': groups = [], 'as-user-extra': extra = {} } = this.#user;
    return {
      ...(as ? { 'impersonate-user': as } : {}),
      ...(uid ? { 'impersonate-uid': uid } : {}),
      ...(groups.length === 0 ? {} : { 'impersonate-group': [...groups] }),
      ...Object.fromEntries(
        Object.entries(extra).map(([key, values]) => [`impersonate-extra-${encodeURIComponent(key)}`, [...values]]),
      ),
    };
  }
}

/** Not refreshed: the provider would give a new refresh token, and the one in the file, which is kubectl's, would be void. */
function idToken(config: Readonly<Record<string, string>>): string {
  const token = config['id-token'] ?? '';
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  const { exp = Infinity } = JSON.parse(claims || '{}') as { readonly exp?: number };
  if (Date.now() >= exp * 1000)
    throw new Error('the id-token of auth-provider oidc has expired: any command of kubectl renews it in the file');
  return token;
}
