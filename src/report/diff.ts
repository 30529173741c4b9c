/** A difference of reachability, for people and documents. */
import { csvRow } from './csv.js';
import { markdownRow } from './markdown.js';
import { formatPorts } from '../model/reachability.js';
import { plain, type Paint } from './paint.js';
import type { ConnectionDifference, ReachabilityDiff } from '../model/reachability-diff.js';

const sign = { added: '+', removed: '-', changed: '~' } as const;

function changeText({ added, removed }: ConnectionDifference, paint: Paint = plain): string {
  return [
    ...(added.length === 0 ? [] : [paint.good(`+ ${formatPorts(added)}`)]),
    ...(removed.length === 0 ? [] : [paint.bad(`- ${formatPorts(removed)}`)]),
  ].join('; ');
}

function causeText({ causes, together }: ConnectionDifference): string {
  if (together !== undefined) return `no single policy, ${together.join(', ')} together`;
  return causes.length === 0 ? 'labels, workloads or namespaces' : causes.join(', ');
}

const pairText = ({ from, to, family }: ConnectionDifference): string =>
  `${from} -> ${to}${family === undefined ? '' : ` (${family})`}`;

export function* printDiffText(
  { policies, endpoints, connections }: ReachabilityDiff,
  paint: Paint = plain,
): Iterable<string> {
  const painter = { added: paint.good, removed: paint.bad, changed: paint.doubtful };
  const changed = (change: keyof typeof sign, what: string): string =>
    `${painter[change](`${sign[change]} ${what}`)}\n`;
  for (const { change, policy } of policies) yield changed(change, `NetworkPolicy ${policy}`);
  for (const { change, id } of endpoints) yield changed(change, id);
  if (policies.length + endpoints.length > 0 && connections.length > 0) yield '\n';
  for (const one of connections) yield `${pairText(one)}: ${changeText(one, paint)}  (by ${causeText(one)})\n`;
  yield `${connections.length === 0 ? 'no connection changes' : summary(connections)}\n`;
}

const summary = (connections: readonly ConnectionDifference[]): string => {
  const gained = connections.filter(({ added }) => added.length > 0).length;
  const lost = connections.filter(({ removed }) => removed.length > 0).length;
  return `\n${gained} gained, ${lost} lost`;
};

export function* printDiffMarkdown({ policies, endpoints, connections }: ReachabilityDiff): Iterable<string> {
  for (const { change, policy } of policies) yield `- ${change}: NetworkPolicy \`${policy}\`\n`;
  for (const { change, id } of endpoints) yield `- ${change}: \`${id}\`\n`;
  if (connections.length === 0) {
    yield '\nNo connection changes.\n';
    return;
  }
  yield '\n| From | To | Change | By |\n|---|---|---|---|\n';
  for (const one of connections) {
    const family = one.family === undefined ? '' : ` (${one.family})`;
    yield markdownRow(one.from, `${one.to}${family}`, changeText(one), causeText(one));
  }
}

export function* printDiffCsv({ connections }: ReachabilityDiff): Iterable<string> {
  yield csvRow('from', 'to', 'family', 'added', 'removed', 'causes', 'together');
  for (const { from, to, family = '', added, removed, causes, together = [] } of connections)
    yield csvRow(from, to, family, formatPorts(added), formatPorts(removed), causes.join(' '), together.join(' '));
}
