/**
 * The catalogue, in the order of ids. A new rule: its file in rules/, its two lines here, a near miss in test/lint/near-misses.ts
 * (near-misses-alone.ts where one policy is enough), and README's number of rules; test/lint says what else it must hold.
 */
import { overLimit } from './limit-rule.js';
import type { Rule } from './types.js';
import { rule as np000 } from './rules/np000-unused-suppression.js';
import { rule as np001 } from './rules/np001-unknown-field.js';
import { rule as np002 } from './rules/np002-duplicate-yaml-key.js';
import { rule as np003 } from './rules/np003-bad-apiversion.js';
import { rule as np004 } from './rules/np004-bad-name.js';
import { rule as np005 } from './rules/np005-duplicate-object.js';
import { rule as np006 } from './rules/np006-no-namespace.js';
import { rule as np007 } from './rules/np007-bad-policy-type.js';
import { rule as np008 } from './rules/np008-empty-peer.js';
import { rule as np009 } from './rules/np009-ipblock-plus-selector.js';
import { rule as np010 } from './rules/np010-bad-cidr.js';
import { rule as np011 } from './rules/np011-cidr-not-canonical.js';
import { rule as np012 } from './rules/np012-except-not-subset.js';
import { rule as np013 } from './rules/np013-bad-protocol.js';
import { rule as np014 } from './rules/np014-bad-port.js';
import { rule as np015 } from './rules/np015-endport-invalid.js';
import { rule as np016 } from './rules/np016-bad-selector.js';
import { rule as np017 } from './rules/np017-label-type.js';
import { rule as np018 } from './rules/np018-cnp-field-bounds.js';
import { rule as np019 } from './rules/np019-cnp-namedport-on-nonpod.js';
import { rule as np020 } from './rules/np020-cnp-domainname-action.js';
import { rule as np021 } from './rules/np021-wrong-type.js';
import { rule as np022 } from './rules/np022-unknown-mode.js';
import { rule as np023 } from './rules/np023-placeholder.js';
import { rule as np101 } from './rules/np101-peer-or-not-and.js';
import { rule as np102 } from './rules/np102-split-from-ports.js';
import { rule as np103 } from './rules/np103-implicit-policytypes.js';
import { rule as np104 } from './rules/np104-rules-for-undeclared-type.js';
import { rule as np105 } from './rules/np105-empty-rule-allows-all.js';
import { rule as np106 } from './rules/np106-empty-spec.js';
import { rule as np107 } from './rules/np107-empty-podselector.js';
import { rule as np108 } from './rules/np108-all-namespaces-peer.js';
import { rule as np109 } from './rules/np109-selector-contradiction.js';
import { rule as np110 } from './rules/np110-selector-values.js';
import { rule as np111 } from './rules/np111-notin-matches-missing.js';
import { rule as np112 } from './rules/np112-ephemeral-label.js';
import { rule as np113 } from './rules/np113-forgeable-namespace-label.js';
import { rule as np114 } from './rules/np114-allow-all-defeats-deny.js';
import { rule as np116 } from './rules/np116-self-hairpin.js';
import { rule as np117 } from './rules/np117-hostnetwork-subject.js';
import { rule as np118 } from './rules/np118-hostnetwork-peer.js';
import { rule as np119 } from './rules/np119-completed-pod-or-zero-replicas.js';
import { rule as np201 } from './rules/np201-named-port-undefined.js';
import { rule as np202 } from './rules/np202-named-port-partial.js';
import { rule as np203 } from './rules/np203-egress-without-dns.js';
import { rule as np204 } from './rules/np204-protocol-omitted.js';
import { rule as np205 } from './rules/np205-service-port-used.js';
import { rule as np206 } from './rules/np206-port-not-exposed.js';
import { rule as np207 } from './rules/np207-port-range-too-wide.js';
import { rule as np301 } from './rules/np301-ns-label-not-existing.js';
import { rule as np302 } from './rules/np302-ipblock-covers-pods.js';
import { rule as np303 } from './rules/np303-ipblock-covers-services.js';
import { rule as np304 } from './rules/np304-metadata-endpoint-open.js';
import { rule as np305 } from './rules/np305-world-open.js';
import { rule as np306 } from './rules/np306-one-family-only.js';
import { rule as np307 } from './rules/np307-except-covers-cidr.js';
import { rule as np308 } from './rules/np308-overlapping-cidr.js';
import { rule as np309 } from './rules/np309-single-host-cidr-pod.js';
import { rule as np310 } from './rules/np310-named-port-on-ipblock.js';
import { rule as np401 } from './rules/np401-selects-no-pods.js';
import { rule as np402 } from './rules/np402-peer-matches-nothing.js';
import { rule as np403 } from './rules/np403-near-miss-selector.js';
import { rule as np404 } from './rules/np404-unprotected-workload.js';
import { rule as np405 } from './rules/np405-ns-without-default-deny.js';
import { rule as np406 } from './rules/np406-isolated-no-ingress.js';
import { rule as np407 } from './rules/np407-asymmetric-flow.js';
import { rule as np408 } from './rules/np408-redundant-policy.js';
import { rule as np409 } from './rules/np409-redundant-rule.js';
import { rule as np410 } from './rules/np410-vacuous-policy.js';
import { rule as np414 } from './rules/np414-owner-label-gap.js';

export const rules: readonly Rule[] = [
  np000,
  np001,
  np002,
  np003,
  np004,
  np005,
  np006,
  np007,
  np008,
  np009,
  np010,
  np011,
  np012,
  np013,
  np014,
  np015,
  np016,
  np017,
  np018,
  np019,
  np020,
  np021,
  np022,
  np023,
  np101,
  np102,
  np103,
  np104,
  np105,
  np106,
  np107,
  np108,
  np109,
  np110,
  np111,
  np112,
  np113,
  np114,
  np116,
  np117,
  np118,
  np119,
  np201,
  np202,
  np203,
  np204,
  np205,
  np206,
  np207,
  np301,
  np302,
  np303,
  np304,
  np305,
  np306,
  np307,
  np308,
  np309,
  np310,
  np401,
  np402,
  np403,
  np404,
  np405,
  np406,
  np407,
  np408,
  np409,
  np410,
  np414,
];

/** Whether there is a rule of this id or name, that of the limits too. */
export const isRule = (text: string): boolean =>
  [...rules, overLimit].some(({ id, name }) => id === text || name === text);
