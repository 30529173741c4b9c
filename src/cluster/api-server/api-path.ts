/** The path of a collection; the core group has one of its own. */
export const apiPath = (apiVersion: string, resource: string): string =>
  `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}/${resource}`;
