import type { ApiConnection } from './connection.js';

/** What is listed. */
interface Collection {
  readonly path: string;
  /** As the API has it; absent: of all objects. */
  readonly fieldSelector?: string;
  /** Default: whole objects. @throws SyntaxError */
  readonly parsePage?: (body: Buffer) => unknown;
}

interface Page {
  readonly items?: readonly object[];
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

const pageSize = 500;

const parseWhole = (body: Buffer): unknown => JSON.parse(body.toString('utf8'));

/** All of a collection, so many objects at a time: whole ones would be gigabytes. Errors as ApiConnection's. */
export async function* listPages(
  connection: ApiConnection,
  { path, fieldSelector, parsePage = parseWhole }: Collection,
  signal: AbortSignal,
): AsyncGenerator<Page> {
  const selected = selectorQuery(fieldSelector);
  let next: string | undefined = '';
  while (next !== undefined) {
    const query: string = next === '' ? '' : `&continue=${encodeURIComponent(next)}`;
    const body = await connection.get(`${path}?limit=${pageSize}${selected}${query}`, signal);
    const page = parsePage(body) as Page;
    yield page;
    next = page.metadata?.continue === '' ? undefined : page.metadata?.continue;
  }
}

/** A further part of a query; empty for all objects. */
export const selectorQuery = (fieldSelector: string | undefined): string =>
  fieldSelector === undefined ? '' : `&fieldSelector=${encodeURIComponent(fieldSelector)}`;
