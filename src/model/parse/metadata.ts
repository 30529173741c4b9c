import { dnsLabelProblem, subdomainProblem } from './names.js';
import { isMapping, type Fields, type Path, type Reader } from './reader.js';

interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly generation?: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly created: number;
  readonly deleting: boolean;
}

/** metadata, or undefined when the object has no name, or no namespace, to be known by. */
export function parseMetadata(reader: Reader, object: unknown): Metadata | undefined {
  if (!isMapping(object)) {
    reader.error('wrong-type', [], 'must be a Kubernetes object');
    return undefined;
  }
  const fields = reader.mapping(object['metadata'], ['metadata']) ?? {};
  const name = reader.text(fields['name'], ['metadata', 'name']) ?? '';
  if (name === '') {
    reader.error('missing-name', ['metadata', 'name'], 'Required value: name is required');
    return undefined;
  }
  const problem = subdomainProblem(name);
  if (problem !== undefined)
    reader.error('invalid-name', ['metadata', 'name'], `Invalid value: ${JSON.stringify(name)}: ${problem}`);
  // What its namespace is cannot be guessed: in another one it would isolate others.
  const namespace = reader.text(fields['namespace'] ?? '', ['metadata', 'namespace']);
  if (namespace === undefined) return undefined;
  const namespaceProblem = namespace === '' ? undefined : dnsLabelProblem(namespace);
  if (namespaceProblem !== undefined)
    reader.error(
      'invalid-name',
      ['metadata', 'namespace'],
      `Invalid value: ${JSON.stringify(namespace)}: ${namespaceProblem}`,
    );
  const uid = reader.text(fields['uid'], ['metadata', 'uid']);
  const generation = reader.number(fields['generation'], ['metadata', 'generation']);
  const created = reader.text(fields['creationTimestamp'], ['metadata', 'creationTimestamp']);
  const deleted = reader.text(fields['deletionTimestamp'], ['metadata', 'deletionTimestamp']);
  return {
    name,
    ...(namespace === '' ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(generation === undefined ? {} : { generation }),
    labels: reader.strings(fields['labels'], ['metadata', 'labels']),
    annotations: reader.strings(fields['annotations'], ['metadata', 'annotations']),
    created: created === undefined ? 0 : Date.parse(created) || 0,
    deleting: deleted !== undefined,
  };
}

const metadataFields = [
  ...['name', 'generateName', 'namespace', 'labels', 'annotations', 'ownerReferences', 'finalizers'],
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'],
  ...['managedFields', 'selfLink'],
];

/**
 * Unknown fields around the spec change nothing that the object does, so they are warnings; the API server refuses them all
 * the same where they are new to it.
 */
export function checkOuterFields(reader: Reader, object: Fields, { strict }: { readonly strict: boolean }): void {
  const options = { severity: 'warning', code: strict ? 'unknown-outer-field' : 'unknown-field' } as const;
  reader.unknownFields(object, ['apiVersion', 'kind', 'metadata', 'spec', 'status'], [], options);
  const { metadata } = object;
  if (isMapping(metadata)) reader.unknownFields(metadata, metadataFields, ['metadata'], options);
}

/** Who owns a pod or a workload is read leniently by `controllerOf`: this reports what would be overlooked. */
export function checkOwners(reader: Reader, metadata: Fields, at: Path): void {
  for (const { fields, path } of reader.mappings(metadata['ownerReferences'], [...at, 'ownerReferences'])) {
    for (const field of ['apiVersion', 'kind', 'name']) reader.text(fields[field], [...path, field]);
    reader.flag(fields['controller'], [...path, 'controller']);
  }
}
