import type { Diagnostic } from '../diagnostic.js';
import { checkOwners } from './metadata.js';
import { isMapping, Reader, type Fields, type Path } from './reader.js';

/**
 * What stands around a workload's pod and would be overlooked, as it is read leniently: names, owners, numbers of
 * replicas, and the mappings on the way to the template.
 *
 * @param template the path of the pod template; empty for a pod
 */
export function checkWorkload(object: unknown, template: Path): readonly Diagnostic[] {
  const reader = new Reader();
  const fields = isMapping(object) ? object : {};
  const metadata = reader.mapping(fields['metadata'], ['metadata']) ?? {};
  for (const name of ['name', 'generateName', 'namespace']) reader.text(metadata[name], ['metadata', name]);
  reader.strings(metadata['labels'], ['metadata', 'labels']);
  reader.strings(metadata['annotations'], ['metadata', 'annotations']);
  checkOwners(reader, metadata, ['metadata']);
  if (template.length > 0) checkTemplate(reader, fields, template);
  return reader.diagnostics;
}

function checkTemplate(reader: Reader, fields: Fields, template: Path): void {
  let inner = fields;
  template.forEach((part, index) => {
    const path = template.slice(0, index + 1);
    inner = reader.mapping(inner[part], path) ?? {};
    if (path.length > 1) return;
    reader.number(inner['replicas'], ['spec', 'replicas']);
    reader.flag(inner['suspend'], ['spec', 'suspend']);
  });
  reader.mapping(inner['metadata'], [...template, 'metadata']);
  reader.mapping(inner['spec'], [...template, 'spec']);
}
