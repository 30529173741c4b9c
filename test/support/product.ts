/** Where `npm run build` puts what users run and read. */
import { resolve } from 'node:path';

export const productFolder = resolve(import.meta.dirname, '../../dist');
export const bundle = resolve(productFolder, 'podwall.js');
export const nflogWorker = resolve(productFolder, 'nflog-worker.js');
export const elementWorker = resolve(productFolder, 'element-worker.js');
export const eventWorker = resolve(productFolder, 'event-worker.js');
export const schemaFolder = resolve(productFolder, 'schemas');
