/** Recorded flows under other policies: what would be denied that passed, and allowed that was denied. */
import type { RecordFields } from '../audit/reading/line-reader.js';
import { fieldOf, packetsOf } from '../audit/query/fields.js';
import { isOfPolicies } from '../audit/reasons.js';
import type { ContentId, PodIdentity } from '../audit/snapshots/content-id.js';
import { policyKey, type AnyPolicy } from '../model/policy.js';
import { printOrigin } from '../program/print.js';
import { LRUCache } from 'lru-cache';
import { RecordedFlowEvaluator, type RecordedVerdict } from './recorded-evaluator.js';
import { recordedFlow } from './recorded-flows.js';

/** Flows between the same workloads on the same port that fare differently. */
export interface ReplayChange {
  readonly change: 'newly-denied' | 'newly-allowed';
  readonly from: string;
  readonly to: string;
  readonly port: string;
  readonly direction: string;
  /** The policies that would isolate, or the rule that would allow. */
  readonly because: readonly string[];
  /** Packets, and the records about them. */
  readonly count: number;
  readonly records: number;
}

type Growing = { -readonly [K in keyof ReplayChange]: ReplayChange[K] };

const changeFields = ['from', 'to', 'port', 'direction'] as const;

export class Replay {
  readonly #evaluator: RecordedFlowEvaluator;
  readonly #identityOf: (id: ContentId) => PodIdentity | undefined;
  readonly #verdicts = new LRUCache<string, RecordedVerdict | 'unknown'>({ max: 100_000 });
  readonly #changes = new Map<string, Growing>();
  /** Records of packets that passed, and of those that were denied. */
  allows = 0;
  denials = 0;
  /** Records of flows whose pods or labels nobody knows any more. */
  unknown = 0;
  /** Records whose verdict no policy gave. */
  notByPolicy = 0;

  constructor(policies: readonly AnyPolicy[], identityOf: (id: ContentId) => PodIdentity | undefined) {
    this.#evaluator = new RecordedFlowEvaluator(policies);
    this.#identityOf = identityOf;
  }

  add(fields: RecordFields): void {
    // The denial that was enforced has a record of its own.
    if (fields.get('podwall.verdict') === 'allow' && fields.get('podwall.mode') === 'dry-run') return;
    if (!isOfPolicies(String(fields.get('podwall.reason')))) {
      this.notByPolicy += 1;
      return;
    }
    const verdict = this.#verdictOf(fields);
    if (verdict === 'unknown') {
      this.unknown += 1;
      return;
    }
    // What became of the packet: of a dry run's it is not the verdict.
    const passed = fields.get('event.outcome') === 'success';
    if (passed) this.allows += 1;
    else this.denials += 1;
    if (passed !== verdict.allowed) this.#note(fields, verdict);
  }

  /** Newly denied first, then by packets. */
  changes(): readonly ReplayChange[] {
    const order = ({ change, count }: ReplayChange): number => (change === 'newly-denied' ? -count : 1 / count);
    return [...this.#changes.values()].sort((a, b) => order(a) - order(b));
  }

  #verdictOf(fields: RecordFields): RecordedVerdict | 'unknown' {
    const key = verdictFields.map((name) => String(fields.get(name) ?? '')).join(' ');
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const flow = recordedFlow(fields, this.#identityOf);
    const verdict = flow === undefined ? 'unknown' : this.#evaluator.evaluate(flow);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  #note(fields: RecordFields, { allowed, isolatedBy, rule }: RecordedVerdict): void {
    const [from = '', to = '', port = '', direction = ''] = changeFields.map((name) => fieldOf(name)?.(fields) ?? '');
    const change = allowed ? 'newly-allowed' : 'newly-denied';
    const because = rule === undefined ? isolatedBy.map(policyKey) : [printOrigin(rule)];
    const key = [change, from, to, port, direction, ...because].join('\0');
    const known = this.#changes.get(key) ?? { change, from, to, port, direction, because, count: 0, records: 0 };
    known.count += packetsOf(fields);
    known.records += 1;
    this.#changes.set(key, known);
  }
}

/** All that a verdict depends on. */
const verdictFields = [
  'network.direction',
  'network.transport',
  'destination.port',
  ...['source', 'destination'].flatMap((one) => [`${one}.podwall.class`, `${one}.podwall.identity`, `${one}.address`]),
];
