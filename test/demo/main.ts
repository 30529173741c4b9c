/** The demo: a small cluster, the examples' policies, real packets. */
import { cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import picocolors from 'picocolors';
import { compile } from '../../src/compiler/compiler.js';
import { readManifests } from '../../src/cluster/directory.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { formatTable } from '../../src/report/table.js';
import { examples, examplesDirectory, exampleNodes, type Example } from '../cases/examples.js';
import type { Manifest } from '../cases/types.js';
import { ClusterState } from '../cases/cluster-state.js';
import { Lab, labNode } from '../support/lab/lab.js';
import { cellsOf, type DemoCell } from './cells.js';
import { claim, runDemo, say, step } from './claims.js';
import { auditLogOf, explainWhy } from './why.js';

const { bold, dim, green, red } = picocolors;

async function show(lab: Lab): Promise<void> {
  const all = examples();
  const objects = [...exampleNodes(), ...all.flatMap((example) => example.objects)];
  const state = new ClusterState();
  state.take({ apply: objects });
  step(1, 'A small cluster in network namespaces');
  const pods = podsOf(objects);
  await lab.addPods(pods);
  say(
    `   nodes n1 (bridge plugin) and n2 (ptp plugin), ${pods.length} pods attached by the CNI plugins, IPv4 and IPv6`,
  );
  const cells = all.map((example) => ({ example, cells: cellsOf(example, state, lab) }));
  for (const cell of cells.flatMap((one) => one.cells))
    lab.prober.serve(cell.server, cell.probe.port, cell.probe.protocol);

  step(2, 'Before Podwall: who reaches whom, by real packets');
  const flat = cells.flatMap((one) => one.cells);
  const before = await lab.prober.probe(flat.map(({ probe }) => probe));
  claim(
    `without enforcement, all ${flat.length} flows get through`,
    before.every((outcome) => outcome === 'allowed'),
  );

  step(3, 'An agent on each node, on the directory policies-examples/');
  const directory = join(lab.folder, 'manifests');
  await mkdir(directory);
  await cp(examplesDirectory, directory, { recursive: true });
  const agents = await Promise.all(
    ['n1', 'n2'].map((node) => lab.startAgent(node, { manifests: directory, 'audit-log': auditLogOf(lab, node) })),
  );
  for (const [index, agent] of agents.entries()) say(`   n${index + 1}: ${describeApplied(await agent.applied())}`);

  // Records are read soon after the rules are in force.
  await delay(1500);

  step(4, 'With Podwall: the same packets, and which policy decided each denied one');
  const { snapshot } = await readManifests([directory]);
  const evaluator = new Evaluator(compile(snapshot, { scope: 'everywhere' }));
  const outcomes = await lab.prober.probe(flat.map(({ probe }) => probe));
  let position = 0;
  for (const { example, cells: own } of cells) {
    const [was, is] = [before, outcomes].map((all) => all.slice(position, position + own.length));
    printExample(
      example,
      own.map((cell, index) => ({ cell, before: was?.[index] ?? '', after: is?.[index] ?? '' })),
      evaluator,
    );
    position += own.length;
  }
  const wrong = flat.filter(({ allowed }, index) => outcomes[index] !== (allowed ? 'allowed' : 'blocked'));
  claim(
    `all ${flat.length} flows are as the tables say (${flat.filter(({ allowed }) => !allowed).length} denied)`,
    wrong.length === 0,
  );

  await explainWhy(lab, flat, evaluator);
  await cutStream(lab, directory, agents);
  await surviveKill(lab, flat, agents);
}

const lockdown = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: lockdown
  namespace: bookshop
spec:
  podSelector: {}
  policyTypes: [Ingress]
`;

/** A policy that changes under a live connection. */
async function cutStream(lab: Lab, directory: string, agents: Awaited<ReturnType<Lab['startAgent']>>[]): Promise<void> {
  step(6, 'A policy changes under a live TCP stream');
  const server = 'app.bookshop';
  const stream = await lab.prober.openStream({
    from: lab.netns('web.bookshop'),
    to: lab.address(server, 4) ?? '',
    port: 8080,
  });
  if (stream === undefined) {
    claim('web.bookshop opens a TCP stream to app.bookshop', false);
    return;
  }
  claim(
    'web.bookshop talks to app.bookshop, both ways',
    (await stream.carries('toServer')) && (await stream.carries('toClient')),
  );
  const seen = agents.map(({ lines }) => lines.length);
  // By rename, so that no agent ever reads half of it.
  const path = join(directory, '12-three-tiers', 'policy.yaml');
  await writeFile(join(directory, '12-three-tiers', '.policy.new'), lockdown);
  await rename(join(directory, '12-three-tiers', '.policy.new'), path);
  say(dim('   policy.yaml of 12-three-tiers becomes bookshop/lockdown: deny all ingress'));
  for (const [index, agent] of agents.entries())
    say(`   n${index + 1}: ${describeApplied(await agent.applied(seen[index]))}`);
  claim('the next bytes from the client no longer arrive', !(await stream.carries('toServer')));
  claim('nor do the next bytes from the server', !(await stream.carries('toClient')));
  stream[Symbol.dispose]();
}

async function surviveKill(
  lab: Lab,
  cells: readonly DemoCell[],
  agents: Awaited<ReturnType<Lab['startAgent']>>[],
): Promise<void> {
  step(7, 'The agents are killed (SIGKILL): the rules hold');
  await Promise.all(agents.map((agent) => agent.kill()));
  const kept = cells.filter(({ example }) => example !== '12-three-tiers');
  const outcomes = await lab.prober.probe(kept.map(({ probe }) => probe));
  const same = kept.every(({ allowed }, index) => outcomes[index] === (allowed ? 'allowed' : 'blocked'));
  claim(`all ${kept.length} flows of the untouched examples are decided as before, with no agent running`, same);
}

interface Seen {
  readonly cell: DemoCell;
  readonly before: string;
  readonly after: string;
}

function printExample({ directory }: Example, seen: readonly Seen[], evaluator: Evaluator): void {
  say(`\n   ${bold(directory)}`);
  const rows = seen.map(({ cell: { title, allowed, flow }, before, after }) => {
    const asExpected = after === (allowed ? 'allowed' : 'blocked');
    const reasons = evaluator
      .evaluate(flow)
      .reasons.flatMap((reason) =>
        reason.kind === 'isolatedBy'
          ? reason.policies.map(({ namespace, name }) => `${namespace}/${name} (${reason.direction})`)
          : [],
      );
    const why = allowed ? '' : `by ${reasons.join(', ')}`;
    return [`   ${asExpected ? '✔' : '✘'}`, ...title, before, after, why];
  });
  const table = formatTable([['    ', 'FROM', '', 'TO', 'PORT', 'FAMILY', 'BEFORE', 'AFTER', 'DENIED'], ...rows]);
  say(
    table
      .replace(/✔/g, green('✔'))
      .replace(/✘/g, red('✘'))
      .replace(/\bblocked\b/g, red('blocked')),
  );
}

const describeApplied = ({ revision, changed, ms }: Readonly<Record<string, unknown>>): string =>
  `applied revision ${String(revision)} (${String(changed)} changes, ${String(ms)} ms from the change to the kernel)`;

function podsOf(objects: readonly Manifest[]) {
  return objects
    .filter(({ kind }) => kind === 'Pod')
    .map(({ metadata, spec, status }) => ({
      name: metadata.name,
      namespace: metadata.namespace ?? 'default',
      node: (spec as { nodeName: string }).nodeName,
      addresses: (status as { podIPs: { ip: string }[] }).podIPs.map(({ ip }) => ip),
    }));
}

process.exitCode = await runDemo(
  () => Lab.create([labNode(1, 'bridge'), labNode(2, 'ptp')]),
  show,
  'Policies were enforced in both families on two nodes, every denial was recorded with its policies, a live stream was cut both ways, and the rules outlived their agents.',
);
