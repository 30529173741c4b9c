import { startElementWriter } from '../kernel/elements/element-writer.js';
import { openNftClient, type NftClient } from '../kernel/nft/nft-client.js';

/** Beside the bundle that this is part of. */
export const elementWorker = new URL('element-worker.js', import.meta.url);

/**
 * Opens an nft client for one use. Sets are read by netlink where that can be had: nft's listing of a large table takes
 * more memory than the agent's container has.
 * @throws NftError as openNftClient
 */
export async function withNftClient<T>(use: (client: NftClient) => Promise<T>): Promise<T> {
  await using elements = startElementWriter(elementWorker, () => undefined);
  const client = await openNftClient({ elements });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}
