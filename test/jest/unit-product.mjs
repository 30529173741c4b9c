// test/support/product.ts, for unit tests.
export let productFolder, bundle, nflogWorker, schemaFolder;

throw new Error('a unit test has no built product: name this file under `product` in test/jest/projects.mjs');
