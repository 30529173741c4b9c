/** Clock, timers and environment of the process are read where they are owned, and are parameters everywhere else. */
import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { parse, sourcesIn, walk, type Source } from './sources.js';

type Global = 'clock' | 'timer' | 'environment';

/** A file, or a folder with everything in it, that reads such a global itself. */
interface Owner {
  readonly path: string;
  readonly reads: readonly Global[];
  readonly why: string;
}

const owners: readonly Owner[] = [
  { path: 'src/cli/', reads: ['clock', 'timer', 'environment'], why: 'argv, environment and now become parameters' },
  { path: 'src/reconciler/clock.ts', reads: ['clock', 'timer'], why: 'the Clock that the loop and the reports take' },
  { path: 'src/generic/single-runner.ts', reads: ['clock'], why: 'since when a run goes on, for the health check' },
  { path: 'src/audit/audit-log.ts', reads: ['timer'], why: 'records are written when their interval ends' },
  {
    path: 'src/audit/reopening-reader.ts',
    reads: ['timer'],
    why: 'a reader that failed is opened again after a pause',
  },
  { path: 'src/audit/reading/follow.ts', reads: ['timer'], why: 'polls the file that it follows' },
  { path: 'src/audit/writing/sink.ts', reads: ['timer'], why: 'a write that failed is tried again after a pause' },
  { path: 'src/cluster/api-server/api-server-source.ts', reads: ['clock'], why: 'says when it noticed a change' },
  {
    path: 'src/cluster/api-server/failures.ts',
    reads: ['clock', 'timer'],
    why: 'waits before it asks again, longer where that failed lately',
  },
  { path: 'src/cluster/api-server/http-exchange.ts', reads: ['timer'], why: 'a request has a time limit' },
  { path: 'src/cluster/api-server/exec-plugin.ts', reads: ['clock'], why: 'what a plugin said expires' },
  { path: 'src/cluster/api-server/kube-config.ts', reads: ['environment'], why: 'KUBECONFIG names files' },
  {
    path: 'src/cluster/api-server/reflector.ts',
    reads: ['clock', 'timer'],
    why: 'gives up a streamed list that brings nothing; knows a watch that ends at once',
  },
  { path: 'src/cluster/api-server/report-writer.ts', reads: ['clock'], why: 'an Event carries its time' },
  { path: 'src/cluster/api-server/user-credentials.ts', reads: ['clock'], why: 'an id-token expires' },
  { path: 'src/cluster/cni-results.ts', reads: ['timer'], why: 'reads the folder again and again' },
  {
    path: 'src/cluster/directory-cluster.ts',
    reads: ['clock', 'timer'],
    why: 'coalesces changes; says when it noticed',
  },
  { path: 'src/cluster/early-addresses.ts', reads: ['clock'], why: 'says when it noticed a change' },
  {
    path: 'src/kernel/children/sign-of-life.ts',
    reads: ['clock', 'timer'],
    why: 'asks what has been quiet for long for a sign of life',
  },
  { path: 'src/kernel/links/link-monitor.ts', reads: ['timer'], why: 'coalesces what ip reports; starts it again' },
  { path: 'src/kernel/links/links.ts', reads: ['clock', 'timer'], why: 'waits for neighbours to answer' },
  {
    path: 'src/kernel/table-events/nft-monitor.ts',
    reads: ['clock', 'timer'],
    why: 'starts nft monitor again after a pause, a longer one when it did not live long',
  },
  { path: 'src/kernel/nflog/nflog-reader.ts', reads: ['timer'], why: 'lets other work have its turn between packets' },
  {
    path: 'src/kernel/nflog/nflog-worker.ts',
    reads: ['clock'],
    why: 'a thread of its own: says when packets were read',
  },
  { path: 'src/kernel/nft/nft-shell.ts', reads: ['clock', 'timer'], why: 'waits for the end of a listing' },
  { path: 'src/kernel/nft/time-limit.ts', reads: ['clock', 'timer'], why: 'nft has a time limit' },
  {
    path: 'src/kernel/nft/nft-client.ts',
    reads: ['clock'],
    why: 'counts how often nft died lately; says when a commit began',
  },
  { path: 'src/node/agent-lock.ts', reads: ['timer'], why: 'asks for the lock again after a pause' },
  { path: 'src/node/state/state-file.ts', reads: ['clock', 'timer'], why: 'writes the status so often, and no more' },
  { path: 'src/node/heap.ts', reads: ['timer'], why: 'frees memory once the agent is idle' },
  {
    path: 'src/node/metrics/agent-metrics.ts',
    reads: ['clock'],
    why: 'counters of the kernel are read once for requests close together',
  },
  {
    path: 'src/node/monitoring-server.ts',
    reads: ['clock', 'timer'],
    why: 'health: how long the loop has been in one run',
  },
];

/** What reads each: a global's member, a call of a global, or an import from a module of node. */
const members: Readonly<Record<string, Readonly<Record<string, Global>>>> = {
  Date: { now: 'clock' },
  performance: { now: 'clock', timeOrigin: 'clock' },
  process: {
    ...{ hrtime: 'clock', uptime: 'clock' },
    ...{ env: 'environment', argv: 'environment', cwd: 'environment', pid: 'environment', getuid: 'environment' },
    ...{ title: 'environment', execPath: 'environment', stdin: 'environment', exitCode: 'environment' },
  },
};
const globals: Readonly<Record<string, Global>> = {
  setTimeout: 'timer',
  setInterval: 'timer',
  setImmediate: 'timer',
};
const modules: Readonly<Record<string, Readonly<Record<string, Global>> | Global>> = {
  'node:timers': 'timer',
  'node:timers/promises': 'timer',
  'node:perf_hooks': 'clock',
  'node:process': 'environment',
  'node:os': {
    hostname: 'environment',
    homedir: 'environment',
    userInfo: 'environment',
    networkInterfaces: 'environment',
  },
};

interface Read {
  readonly path: string;
  readonly line: number;
  readonly what: string;
  readonly global: Global;
}

function readsOf({ path, tree }: Source): readonly Read[] {
  const reads: Read[] = [];
  const add = (node: ts.Node, what: string, global: Global | undefined): void => {
    if (global === undefined) return;
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    reads.push({ path, line: line + 1, what, global });
  };
  walk(tree, (node) => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression))
      add(node, node.getText(), members[node.expression.text]?.[node.name.text]);
    else if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
      add(node, 'new Date()', 'clock');
    else if (ts.isIdentifier(node) && isValue(node)) add(node, node.text, globals[node.text]);
    else if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const module = modules[node.moduleSpecifier.text];
      const bindings = node.importClause?.namedBindings;
      if (typeof module === 'string') add(node, node.moduleSpecifier.text, module);
      else if (module !== undefined && bindings !== undefined && ts.isNamedImports(bindings))
        for (const { name, propertyName } of bindings.elements)
          add(
            node,
            `${(propertyName ?? name).text} of ${node.moduleSpecifier.text}`,
            module[(propertyName ?? name).text],
          );
    }
  });
  return reads;
}

/** Not the name of a member, of a type or of what is imported. */
function isValue({ parent }: ts.Identifier): boolean {
  return ts.isCallExpression(parent) || ts.isVariableDeclaration(parent) || ts.isBinaryExpression(parent);
}

const ownerOf = ({ path, global }: Read, table: readonly Owner[]): Owner | undefined =>
  table.find((owner) => path.startsWith(owner.path) && owner.reads.includes(global));

/** Reads that nobody owns, and rows of the table that own nothing. */
function problems(files: readonly Source[], table: readonly Owner[]): readonly string[] {
  const reads = files.flatMap(readsOf);
  const unowned = reads
    .filter((read) => ownerOf(read, table) === undefined)
    .map(({ path, line, what, global }) => `${path}:${line} reads ${what}: take the ${global} as a parameter`);
  const idle = table.flatMap((owner) =>
    owner.reads
      .filter((global) => reads.every((read) => read.global !== global || ownerOf(read, table) !== owner))
      .map((global) => `${owner.path} owns the ${global} and does not read it: take it out of the table`),
  );
  return [...unowned, ...idle];
}

test('clock, timers and environment are read by their owners only, in every folder of src/', () => {
  expect(problems(sourcesIn('src'), owners)).toEqual([]);
});

describe('the check can fail', () => {
  test.each([
    ['const at = Date.now();', 'src/model/a.ts:1 reads Date.now: take the clock as a parameter'],
    ['const at = new Date().toISOString();', 'src/model/a.ts:1 reads new Date(): take the clock as a parameter'],
    ['setTimeout(() => undefined, 1);', 'src/model/a.ts:1 reads setTimeout: take the timer as a parameter'],
    ["import { setTimeout as delay } from 'node:timers/promises';", 'src/model/a.ts:1 reads node:timers/promises'],
    ["const home = process.env['HOME'];", 'src/model/a.ts:1 reads process.env: take the environment as a parameter'],
    ["import { hostname } from 'node:os';", 'src/model/a.ts:1 reads hostname of node:os'],
  ])('%s', (text, problem) => {
    expect(problems([parse('src/model/a.ts', text)], [])).toEqual([expect.stringContaining(problem)]);
    const all: Owner = { path: 'src/model/', reads: ['clock', 'timer', 'environment'], why: 'for this test' };
    expect(problems([parse('src/model/a.ts', text)], [all]).filter((one) => !one.includes('owns'))).toEqual([]);
  });

  test.each(['const at = new Date(0);', 'options.setTimeout(1);', "import { tmpdir } from 'node:os';"])(
    'not: %s',
    (text) => {
      expect(problems([parse('src/model/a.ts', text)], [])).toEqual([]);
    },
  );
});
