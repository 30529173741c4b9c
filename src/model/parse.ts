/** Decoded Kubernetes objects to model values, or to diagnostics with the path of the field. */
import type { Parsed } from './diagnostic.js';
import { parseMetadata } from './parse/metadata.js';
import { isMapping, Reader } from './parse/reader.js';

export {
  checkClusterNetworkPolicy,
  clusterNetworkPolicyGroup,
  isClusterNetworkPolicy,
} from './parse/cluster-network-policy.js';
export { impliedNamespace, parseNamespace, parseNode } from './parse/namespace-and-node.js';
export { parseNetworkPolicy, type ParseOptions } from './parse/network-policy.js';
export { parsePod, type PodOptions } from './parse/pod.js';
export { parseService } from './parse/service.js';
export { checkWorkload } from './parse/workload.js';
export { isMapping } from './parse/reader.js';

export interface Identity {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** What an object says it is; enough to tell whether we read it at all. */
export function parseIdentity(object: unknown): Parsed<Identity> {
  const reader = new Reader();
  const fields = isMapping(object) ? object : {};
  const apiVersion = reader.text(fields['apiVersion'], ['apiVersion']) ?? '';
  const kind = reader.text(fields['kind'], ['kind']) ?? '';
  if (kind === '') reader.error('missing-kind', ['kind'], 'Required value: every object has a kind');
  if (apiVersion === '')
    reader.error('missing-api-version', ['apiVersion'], 'Required value: every object has an apiVersion');
  const metadata = parseMetadata(reader, object);
  if (metadata === undefined || reader.failed) return { ok: false, diagnostics: reader.diagnostics };
  const { name, namespace } = metadata;
  return {
    ok: true,
    value: { apiVersion, kind, name, ...(namespace === undefined ? {} : { namespace }) },
    diagnostics: [],
  };
}
