import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { JsonPruner } from '../../src/cluster/api-server/json-pruner.js';
import type { FieldTree } from '../../src/model/parse/field-tree.js';
import { apiKinds } from '../../src/cluster/api-server/api-kinds.js';
import { parseNode, parsePod } from '../../src/model/parse.js';
import { seed } from '../support/seed.js';

const kept: FieldTree = { name: true, spec: { ports: true, inner: { x: true } }, items: { name: true } };
const pruner = new JsonPruner(kept);
const pruned = (text: string): string => pruner.prune(Buffer.from(text));

/** What the pruner does to text, done to a value. */
function without(value: unknown, kept: FieldTree): unknown {
  if (kept === true || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => without(item, kept));
  const fields = Object.entries(value).filter(([name]) => Object.hasOwn(kept, name));
  return Object.fromEntries(fields.map(([name, inside]) => [name, without(inside, kept[name] ?? true)]));
}

describe('JSON without what nobody reads', () => {
  test.each([
    [
      '{"name":"a","other":{"name":"b"},"spec":{"ports":[1,{"deep":true}],"more":[]}}',
      '{"name":"a","spec":{"ports":[1,{"deep":true}]}}',
    ],
    ['{"other":1}', '{}'],
    ['{"items":[{"name":"a","x":1},{"x":[2]},3,[]]}', '{"items":[{"name":"a"},{},3,[]]}'],
    ['{"spec":"a word"}', '{"spec":"a word"}'],
    ['{ "other" : [ "]" , "}\\"" ] ,\n "name" : "a" }\n', '{"name":"a"}'],
    ['{"name":"Zoë \\u00e9 \\\\"}', '{"name":"Zoë \\u00e9 \\\\"}'],
    ['{"names":"longer","nam":"shorter","nome":"other"}', '{}'],
  ])('%s', (text, expected) => {
    expect(pruned(text)).toBe(expected);
  });

  test.each([
    '{"type":"ADDED","object":{"kind"',
    '{"other":[1,2',
    '{"other":"never ends}',
    '{"other" 1}',
    '{"other":}',
    '{"name":"a"} {"name":"b"}',
    '{other:1}',
    '}',
    '',
  ])('%s is no JSON, and stays as it is', (text) => {
    expect(pruned(text)).toBe(text);
    expect(() => JSON.parse(pruned(text)) as unknown).toThrow(SyntaxError);
  });

  test('of any value exactly what is kept is left', () => {
    const key = fc.oneof(fc.constantFrom('name', 'spec', 'ports', 'inner', 'items', 'x'), fc.string());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
        fc.constantFrom(true, false, null),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
      ),
    }));
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (any, indent) => {
        expect(JSON.parse(pruned(JSON.stringify(any, null, indent)))).toEqual(without(any, kept));
      }),
      { seed, numRuns: 2000 },
    );
  });
});

describe('of objects that are pruned all that is read is kept', () => {
  const object = {
    metadata: {
      ...{
        name: 'a',
        namespace: 'x',
        uid: 'u',
        generation: 2,
        resourceVersion: '7',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
      ...{ labels: { env: 'prod', status: 'x' }, annotations: { a: 'b' }, deletionTimestamp: '2026-01-02T00:00:00Z' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'app-6d4cf56db6', controller: true }],
      managedFields: [{ 'f:status': {} }],
    },
    spec: {
      ...{ nodeName: 'n1', hostNetwork: true, podCIDRs: ['10.0.0.0/24'], volumes: [{ name: 'v' }] },
      containers: [{ name: 'c', env: [{ name: 'A' }], ports: [{ name: 'http', containerPort: 80, protocol: 'UDP' }] }],
      initContainers: [{ restartPolicy: 'Always', ports: [{ name: 'side', containerPort: 81 }] }, { ports: [] }],
    },
    status: {
      ...{ phase: 'Succeeded', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], conditions: [{}] },
      addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
    },
  };

  test.each([
    ['pods', parsePod, object],
    ['pods', parsePod, { ...object, status: { podIP: '10.0.0.9' } }],
    ['pods', parsePod, { ...object, spec: { containers: 'none' } }],
    ['nodes', parseNode, object],
    ['nodes', parseNode, { ...object, spec: { podCIDR: '10.0.0.0/8' } }],
  ] as const)('%s', (name, parse: (value: unknown) => unknown, value: object) => {
    const resource = apiKinds.find((one) => one.name === name);
    const line = Buffer.from(JSON.stringify({ type: 'ADDED', object: value }));
    const event = resource?.parseEvent(line) as { type: string; object: { metadata: { resourceVersion: string } } };
    expect(event.type).toBe('ADDED');
    expect(parse(event.object)).toEqual(parse(value));
    expect(event.object.metadata.resourceVersion).toBe('7');
    expect(JSON.stringify(event).length).toBeLessThan(line.length - 50);
    const page = { metadata: { resourceVersion: '9', continue: 'c' }, items: [value, value] };
    const read = resource?.parsePage(Buffer.from(JSON.stringify(page))) as typeof page;
    expect(read.metadata).toEqual(page.metadata);
    expect(read.items.map(parse)).toEqual([parse(value), parse(value)]);
  });
});
