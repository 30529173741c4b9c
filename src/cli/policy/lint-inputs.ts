/** What `lint` reads: every object with its text, and what the rules ask of them together. */
import type { CheckedObject, DuplicateKey, LintObject, PolicyObject } from '../../lint/objects.js';
import type { LintInput } from '../../lint/types.js';
import { makeLintInput } from '../../lint/lint-input.js';
import { readDocuments, type ManifestDocument } from '../../manifests/documents.js';
import { checkClusterNetworkPolicy, isClusterNetworkPolicy, isMapping, parseNetworkPolicy } from '../../model/parse.js';
import { ManifestCollector, isTemplate } from '../../manifests/manifest-collector.js';
import { wellKnownDocuments, isLive, readInto, type InputFlags } from './inputs.js';

export interface LintInputs {
  readonly input: LintInput;
  readonly skipped: readonly string[];
  readonly unparsed: readonly string[];
}

export interface LintInputFlags extends InputFlags {
  readonly namespace?: string;
  readonly closedWorld: boolean;
}

/** @throws InputError when nothing can be read at all */
export async function readLintInputs(flags: LintInputFlags): Promise<LintInputs> {
  const strict = !isLive(flags);
  const collector = new ManifestCollector({ strict, unnamedPorts: true });
  const objects: LintObject[] = [];
  const duplicateKeys: DuplicateKey[] = [];
  const takeDocument = (document: ManifestDocument): void => {
    const object = lintObject(document, flags.namespace ?? 'default');
    if (object !== undefined) objects.push(object);
    // What is wrong with a policy is a finding here, and no reason to call the input partial.
    if (object === undefined || !isPolicyOfRules(object)) collector.takeDocument(document);
  };
  await readInto(
    {
      takeText(text, name) {
        const { documents, errors } = readDocuments(text, name, { duplicateKeys: 'tolerated' });
        if (isTemplate(text, errors)) {
          collector.takeText(text, name);
          return;
        }
        for (const error of errors)
          if (error.isDuplicateKey) duplicateKeys.push(error);
          else collector.takeError(error);
        documents.forEach(takeDocument);
      },
      takeError: (error) => collector.takeError(error),
      takeDocument,
    },
    flags,
  );
  // No objects of the input: nothing is found in them, and much because of them.
  for (const document of wellKnownDocuments(flags, collector)) collector.takeDocument(document);
  const { pods, namespaces, implied, services, nodes, podCidrs, skipped, unparsed } = collector.objects();
  const policies = objects.flatMap((object) => policyObject(object, strict) ?? []);
  const known = new Set(namespaces.map(({ name }) => name));
  return {
    input: makeLintInput({
      objects,
      policies,
      clusterPolicies: objects.flatMap((object) => clusterPolicyObject(object, strict) ?? []),
      workloads: pods,
      namespaces,
      implied: new Set([...implied, ...policies.map(({ namespace }) => namespace).filter((name) => !known.has(name))]),
      services,
      nodes,
      podCidrs,
      duplicateKeys,
      closed: flags.closedWorld || isLive(flags),
    }),
    skipped,
    unparsed,
  };
}

/** Of the served version, or of one that was served once. */
const isPolicyOfRules = ({ kind, apiVersion }: LintObject): boolean =>
  kind === 'NetworkPolicy' && /^(networking\.k8s\.io\/v1(beta1)?|extensions\/v1beta1)$/.test(apiVersion);

function lintObject(document: ManifestDocument, defaultNamespace: string): LintObject | undefined {
  const { object } = document;
  if (!isMapping(object)) return undefined;
  const { kind, apiVersion } = object;
  if (typeof kind !== 'string' || typeof apiVersion !== 'string') return undefined;
  const metadata = isMapping(object['metadata']) ? object['metadata'] : {};
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    document,
    kind,
    apiVersion,
    fields: object,
    namespace: text(metadata['namespace']) || defaultNamespace,
    name: text(metadata['name']),
  };
}

function policyObject(object: LintObject, strict: boolean): PolicyObject | undefined {
  if (object.kind !== 'NetworkPolicy' || object.apiVersion !== 'networking.k8s.io/v1') return undefined;
  const metadata = isMapping(object.fields['metadata']) ? object.fields['metadata'] : {};
  const named = { ...object.fields, metadata: { namespace: object.namespace, ...metadata } };
  const parsed = parseNetworkPolicy(named, { strict });
  return { ...object, policy: parsed.ok ? parsed.value : undefined, diagnostics: parsed.diagnostics };
}

function clusterPolicyObject(object: LintObject, strict: boolean): CheckedObject | undefined {
  if (!isClusterNetworkPolicy(object.fields)) return undefined;
  const diagnostics = checkClusterNetworkPolicy(object.fields, { strict });
  return diagnostics && { ...object, diagnostics };
}
