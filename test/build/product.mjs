// Bundles the agent and the command line: a bundle starts in a third of the time and half the memory of the unbundled
// modules. What is imported on demand, each command and the Kubernetes client, stands in chunks that are loaded only then;
// beside the entry points, so that a path beside a module is one beside the bundle, wherever esbuild puts the module.
import { build } from 'esbuild';
import { chmod, cp, rm } from 'node:fs/promises';

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    podwall: 'src/cli/main.ts',
    'nflog-worker': 'src/kernel/nflog/nflog-worker.ts',
    'element-worker': 'src/kernel/elements/element-worker.ts',
    'event-worker': 'src/kernel/table-events/event-worker.ts',
  },
  outdir: 'dist',
  splitting: true,
  chunkNames: '[name]-[hash]',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi'],
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await chmod('dist/podwall.js', 0o755);
// For editors and for who reads our documents.
await cp('src/schemas', 'dist/schemas', { recursive: true });
await cp('src/audit/record.schema.json', 'dist/schemas/audit-record.schema.json');
