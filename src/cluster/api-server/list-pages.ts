import type { ApiConnection } from './connection.js';

interface Page {
  readonly items?: readonly object[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

const pageSize = 500;

const parseWhole = (body: Buffer): unknown => JSON.parse(body.toString('utf8'));

/** All of a collection, so many objects at a time: whole ones would be gigabytes. Errors as ApiConnection's. */
export async function* listPages(
  connection: ApiConnection,
  path: string,
  signal: AbortSignal,
  parse = parseWhole,
): AsyncGenerator<Page> {
  let next: string | undefined = '';
  while (next !== undefined) {
    const query: string = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const body = await connection.get(`${path}?limit=${pageSize}${query}`, signal);
    const page = parse(body) as Page;
    yield page;
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  }
}
