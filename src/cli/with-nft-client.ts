import { startElementWriter } from '../kernel/elements/element-writer.js';
import { openNftClient, type NftClient } from '../kernel/nft/nft-client.js';

/** Beside the bundle that this is part of. */
export const elementWorker = new URL('element-worker.js', import.meta.url);

/** Opens an nft client for one use. @throws NftError as openNftClient */
export const withNftClient = <T>(use: (client: NftClient) => Promise<T>): Promise<T> => withClient({}, use);

/**
 * The same to list tables. Sets are read by netlink where that can be had: nft's listing of a large table takes more
 * memory than the agent's container has.
 */
export async function withTableReader<T>(use: (client: NftClient) => Promise<T>): Promise<T> {
  await using elements = startElementWriter(elementWorker, () => undefined);
  return await withClient({ elements }, use);
}

async function withClient<T>(
  options: Parameters<typeof openNftClient>[0],
  use: (client: NftClient) => Promise<T>,
): Promise<T> {
  const client = await openNftClient(options);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
