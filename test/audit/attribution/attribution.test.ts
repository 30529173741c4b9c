/** What records say of packets that policies decided: denials, recorded allows, and what a dry run would do. */
import { describe, expect, test } from '@jest/globals';
import { Attribution } from '../../../src/audit/attribution/attribution.js';
import type { LoggedPacket } from '../../../src/audit/attribution/logged-packet.js';
import { SnapshotRecorder } from '../../../src/audit/snapshots/snapshot-references.js';
import { Compiler } from '../../../src/compiler/compiler.js';
import { parseAddress, type Address } from '../../../src/model/address.js';
import type { Observation } from '../../../src/model/observation.js';
import { policyKey, type AnyPolicy } from '../../../src/model/policy.js';
import { decisionNames } from '../../../src/nftables/render/decisions.js';
import { parseLogPrefix } from '../../../src/nftables/names/log-prefix.js';
import type { AuditRules } from '../../../src/nftables/render/log-rules.js';
import { render, Renderer } from '../../../src/nftables/render/renderer.js';
import type { Ruleset } from '../../../src/nftables/language/types.js';
import { annotated, namespace, node, pod, podAddresses, policy, inDryRun } from '../../cases/objects.js';
import type { Changes, Manifest } from '../../cases/types.js';
import { ClusterState } from '../../cases/cluster-state.js';
import { Interpreter } from '../../nftables/interpreter.js';

const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
const minute = 60_000;
const app = (name: string): object => ({ matchLabels: { app: name } });
const hosts = { client: 11, server: 12 } as const;
const address = (name: keyof typeof hosts): Address => {
  const found = parseAddress(podAddresses('n1', hosts[name], 'IPv4')[0] ?? '');
  if (found === undefined) throw new Error(`${name} has no address`);
  return found;
};
const objects: readonly Manifest[] = [
  node('n1'),
  ...(['client', 'server'] as const).map((name) =>
    pod(`${name}.x`, { host: hosts[name], labels: { app: name }, ports: [{ name: 'http', port: 80 }] }),
  ),
];
const recorded = annotated(namespace('x'), { 'podwall.dev/audit': 'deny,allow' });
const deny = policy('deny.x', { podSelector: app('server') });
const other = policy('other.x', { podSelector: app('server'), ingress: [{ from: [{ podSelector: app('nobody') }] }] });
const letIn = policy('let.x', {
  podSelector: app('server'),
  ingress: [{ ports: [{ port: 443 }] }, { from: [{ podSelector: app('client') }] }],
});

/** An agent's view, from cluster changes to what it says of the packets that its own rules log. */
class View {
  readonly kept = new Map<string, readonly AnyPolicy[]>();
  readonly #state = new ClusterState();
  readonly #compiler = new Compiler({ scope: { node: 'n1' } });
  readonly #renderer = new Renderer({ established: 'reevaluate', audit });
  readonly #attribution: Attribution;
  readonly #snapshots = new SnapshotRecorder({
    store: {
      savePolicies: (id, policies) => Promise.resolve(void this.kept.set(id, policies)),
      saveIdentity: () => Promise.resolve(),
    },
    onFailure: (error) => {
      throw error;
    },
  });

  constructor(start: readonly Manifest[]) {
    this.#attribution = new Attribution({ names: decisionNames, parsePrefix: parseLogPrefix });
    this.change({ apply: [...objects, ...start] }, 0);
  }

  change(changes: Changes, time: number): void {
    const clusterChanges = this.#state.take(changes);
    const change = this.#compiler.apply(clusterChanges);
    this.#renderer.apply(change);
    this.#attribution.changesCompiled(clusterChanges, change, time);
    this.#attribution.changesApplied(clusterChanges, change.endpoints, time);
    this.#snapshots.changesApplied(clusterChanges, time);
  }

  /** The chains that log the first packet of a new flow to the server. */
  logged(port = 80): readonly string[] {
    return this.#walk(this.#renderer.ruleset(), port);
  }

  /** The record of a packet at `time` that these chains logged. */
  recorded(
    chains: readonly string[],
    time: number,
    orientation: 'original' | 'reply' = 'original',
  ): readonly LoggedPacket[] {
    const [source, destination] =
      orientation === 'original' ? (['client', 'server'] as const) : (['server', 'client'] as const);
    const ports =
      orientation === 'original' ? { source: 40_000, destination: 80 } : { source: 80, destination: 40_000 };
    return chains.map((chain) => {
      const packet: Observation = {
        time,
        prefix: `podwall ${chain} ${orientation}`,
        source: address(source),
        destination: address(destination),
        protocol: 6,
        ports,
        bytes: 60,
      };
      const attributed = this.#attribution.attribute(packet);
      if (attributed === undefined) throw new Error(`${chain} is not ours`);
      return attributed;
    });
  }

  /** The policies of a record's moment, as they are kept beside the log. */
  policiesOf(denial: LoggedPacket): readonly AnyPolicy[] {
    return this.kept.get(this.#snapshots.referencesFor(denial).snapshot ?? '') ?? [];
  }

  #walk(ruleset: Ruleset, port: number): readonly string[] {
    const flow = { source: address('client'), destination: address('server'), protocol: 'TCP' as const, port };
    return new Interpreter(ruleset).walk(flow).logged;
  }
}

const logged = ({ verdict, mode, reason, direction, source, destination, isolating, rule }: LoggedPacket): string =>
  [
    `${mode} ${verdict} ${direction} ${source.pod?.ref.name}->${destination.pod?.ref.name}:${destination.port}`,
    `${reason} by [${isolating.map(policyKey).join()}]`,
    ...(rule === undefined ? [] : [`${policyKey(rule.policy)}[${rule.index}]`]),
  ].join(' ');

describe('records of packets in a dry run', () => {
  test.each(['original', 'reply'] as const)('would be denied: by all that would isolate; %s packets', (orientation) => {
    const view = new View([namespace('x'), inDryRun(deny), inDryRun(other)]);
    expect(view.recorded(view.logged(), 1, orientation).map(logged)).toEqual([
      'dry-run deny ingress client->server:80 default-deny by [x/deny,x/other]',
    ]);
  });

  test('would be allowed: the rule that would, and the denial that is enforced', () => {
    const view = new View([
      namespace('x'),
      deny,
      inDryRun(letIn),
      inDryRun(policy('open.x', { podSelector: app('server'), ingress: [{}] })),
    ]);
    const recorded = view.recorded(view.logged(), 1);
    // Only the first such packet is reported: none of that relation is again until its entry expires.
    expect(recorded.map(logged)).toEqual([
      'dry-run allow ingress client->server:80 rule by [x/deny] x/let[1]',
      'enforce deny ingress client->server:80 default-deny by [x/deny]',
    ]);
    expect(recorded[0]?.trace.map(({ name, action, rule }) => [name, action, rule])).toEqual([
      ['deny', 'NoMatch', null],
      ['let', 'Accept', { index: 1 }],
    ]);
  });

  test('a broken policy would deny as an invalid one', () => {
    const broken = policy('broken.x', { podSelector: app('server'), ingress: [{ ports: [{ port: 0 }] }] });
    const view = new View([namespace('x'), inDryRun(broken)]);
    expect(view.recorded(view.logged(), 1).map(logged)).toEqual([
      'dry-run deny ingress client->server:80 invalid-policy by [x/broken]',
    ]);
  });

  test('a namespace in one: its policies are kept as in a dry run, from then on and until it ends', () => {
    const view = new View([namespace('x'), deny]);
    const enforced = view.recorded(view.logged(), 1);
    view.change({ apply: [inDryRun(namespace('x'))] }, 1000);
    const dryRun = view.recorded(view.logged(), 1001);
    view.change({ apply: [namespace('x')] }, 2000);
    expect([...enforced, ...dryRun, ...view.recorded(view.logged(), 2001)].map(logged)).toEqual([
      'enforce deny ingress client->server:80 default-deny by [x/deny]',
      'dry-run deny ingress client->server:80 default-deny by [x/deny]',
      'enforce deny ingress client->server:80 default-deny by [x/deny]',
    ]);
    const modes = [...enforced, ...dryRun, ...view.recorded(view.logged(), 2001)].map((denial) =>
      view.policiesOf(denial).map(({ ref, mode }) => `${ref.name} ${mode ?? 'enforce'}`),
    );
    expect(modes).toEqual([['deny enforce'], ['deny dry-run'], ['deny enforce']]);
  });

  test('packets that are read after an edit get the verdict of their own time, for ten minutes', () => {
    const view = new View([namespace('x'), deny, inDryRun(letIn)]);
    const chains = view.logged();
    view.change({ apply: [inDryRun(deny)], remove: [{ kind: 'NetworkPolicy', namespace: 'x', name: 'let' }] }, minute);
    expect(view.recorded(chains, minute - 1).map(logged)).toEqual([
      'dry-run allow ingress client->server:80 rule by [x/deny] x/let[1]',
      'enforce deny ingress client->server:80 default-deny by [x/deny]',
    ]);
    expect(view.recorded(view.logged(), minute).map(logged)).toEqual([
      'dry-run deny ingress client->server:80 default-deny by [x/deny]',
    ]);
  });

  test('chains of an earlier agent give verdict, mode and direction, and no policy', () => {
    const before = new View([recorded, deny, inDryRun(letIn)]);
    const after = new View([namespace('x')]);
    const allow = new View([recorded, letIn]);
    const dry = new View([namespace('x'), inDryRun(other)]);
    expect(after.recorded([...before.logged(), ...allow.logged(), ...dry.logged()], 1).map(logged)).toEqual([
      'enforce allow egress client->server:80 not-isolated by []',
      'dry-run allow ingress client->server:80 rule by []',
      'enforce deny ingress client->server:80 default-deny by []',
      'enforce allow egress client->server:80 not-isolated by []',
      'enforce allow ingress client->server:80 rule by []',
      'dry-run deny ingress client->server:80 default-deny by []',
    ]);
  });
});

describe('records of allowed flows', () => {
  test('the rule that allowed, at the end where it did; nothing isolates the other', () => {
    const view = new View([recorded, deny, letIn]);
    expect(view.recorded(view.logged(), 1).map(logged)).toEqual([
      'enforce allow egress client->server:80 not-isolated by []',
      'enforce allow ingress client->server:80 rule by [x/deny,x/let] x/let[1]',
    ]);
  });

  test('nothing without the annotation', () => {
    expect(new View([namespace('x'), deny, letIn]).logged()).toEqual([]);
  });

  test('that a dry run would deny: both are recorded', () => {
    const view = new View([recorded, inDryRun(deny)]);
    expect(view.recorded(view.logged(), 1).map(logged)).toEqual([
      'enforce allow egress client->server:80 not-isolated by []',
      'dry-run deny ingress client->server:80 default-deny by [x/deny]',
      'enforce allow ingress client->server:80 not-isolated by []',
    ]);
  });
});

test('a prefix is parsed once, however many packets have it', () => {
  const parsed: string[] = [];
  const attribution = new Attribution({
    names: decisionNames,
    parsePrefix: (text) => {
      parsed.push(text);
      return parseLogPrefix(text);
    },
  });
  const chainOf = (prefix: string): string | undefined =>
    attribution.attribute({
      time: 1,
      prefix,
      source: address('client'),
      destination: address('server'),
      protocol: 6,
      bytes: 60,
    })?.chain;
  const prefixes = ['podwall deny-mid-stream original', 'podwall deny-mid-stream reply', 'podwall guard-veth0 packet'];
  const chains = ['deny-mid-stream', 'deny-mid-stream', 'guard-veth0'];
  expect([...prefixes, ...prefixes].map(chainOf)).toEqual([...chains, ...chains]);
  expect(parsed).toEqual(prefixes);
  expect(chainOf('others deny-mid-stream original')).toBeUndefined();
});

test('an agent in a dry run has every policy in a dry run', () => {
  const state = new ClusterState();
  const changes = state.take({ apply: [...objects, namespace('x'), deny] });
  const compiler = new Compiler({ scope: { node: 'n1' }, dryRun: 'all' });
  compiler.apply(changes);
  const ruleset = render(compiler.program(), { established: 'reevaluate', audit, mode: 'dry-run' });
  const flow = { source: address('client'), destination: address('server'), protocol: 'TCP' as const, port: 80 };
  const { allowed, logged } = new Interpreter(ruleset).walk(flow);
  expect([allowed, logged]).toEqual([true, [expect.stringMatching(/^dry-run-deny-in-/)]]);
});
