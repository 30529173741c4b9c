import { pathToFileURL } from 'node:url';
import { startElementWriter, type ElementWriter } from '../../src/kernel/elements/element-writer.js';
import { inNamed } from '../support/lab/libc.js';
import { elementWorker } from '../support/product.js';
import { until } from '../support/until.js';
import type { NftNamespace } from './nft-namespace.js';

/** Of a network namespace; ready. @throws Error when it is unavailable */
export async function elementWriterIn(kernel: NftNamespace): Promise<ElementWriter> {
  let failure: string | undefined;
  const writer = inNamed(kernel.name, () =>
    startElementWriter(pathToFileURL(elementWorker), (reason) => (failure = reason)),
  );
  await until(async () => {
    if (failure !== undefined) throw new Error(failure);
    return (await writer.counters({ family: 'inet', table: 'podwall' })) !== undefined;
  });
  return writer;
}
