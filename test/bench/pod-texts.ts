/** Pods as an API server writes them: 6 KB each, most of it of no use to us. */
import { pod } from '../cases/objects.js';

/** Mean size of a pod's JSON, in bytes. */
const size = 6000;

export function* podTexts(count: number): Generator<string> {
  // Cut where a pod differs from the next one: building each anew would be most of what is measured.
  const parts = JSON.stringify(template()).split(/<(\w+)>/);
  for (let index = 0; index < count; index += 1) {
    const values: Readonly<Record<string, string>> = {
      name: `pod-${index}`,
      namespace: `team-${index % 500}`,
      app: `app-${index % 2000}`,
      node: `n${1 + Math.floor(index / 50)}`,
      address: `10.${64 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
      version: String(1000 + index),
    };
    yield parts.map((part, at) => (at % 2 === 0 ? part : (values[part] ?? ''))).join('');
  }
}

function template(): object {
  const bare = pod('<name>.<namespace>', {
    addresses: ['<address>'],
    labels: { app: '<app>', 'pod-template-hash': '6d4cf56db6' },
    ports: [{ name: 'http', port: 8080 }],
  });
  const { metadata, spec, status } = bare as { metadata: object; spec: object; status: object };
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: '<app>-6d4cf56db6', uid: '<app>', controller: true };
  const full = {
    ...bare,
    metadata: { ...metadata, resourceVersion: '<version>', ownerReferences: [owner] },
    spec: { ...spec, nodeName: '<node>' },
    status: { ...status, conditions: [] as object[] },
  };
  const condition = { lastProbeTime: null, lastTransitionTime: '2026-01-01T00:00:00Z', status: 'True', type: 'Ready' };
  while (JSON.stringify(full).length < size) full.status.conditions.push(condition);
  return full;
}
