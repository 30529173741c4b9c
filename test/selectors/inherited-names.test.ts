/** Labels that JavaScript's own objects have names for, and labels whose texts are near each other. */
import { describe, expect, test } from '@jest/globals';
import type { LabelSelector, Requirement } from '../../src/model/labels.js';
import { parseNetworkPolicy, parsePod } from '../../src/model/parse.js';
import { readDocuments } from '../../src/manifests/documents.js';
import { canonicalText, matches } from '../../src/selectors/match.js';

const inherited = ['constructor', 'toString', 'valueOf', 'hasOwnProperty', 'isPrototypeOf'];

describe.each(inherited)('the label %s', (key) => {
  const selecting = (requirement: Requirement): LabelSelector => ({ requirements: [requirement] });
  const labelled = { [key]: 'x' };

  test('is there where it is given, and nowhere else', () => {
    const results = (labels: Record<string, string>) => [
      matches(selecting({ operator: 'Exists', key }), labels),
      matches(selecting({ operator: 'DoesNotExist', key }), labels),
      matches(selecting({ operator: 'In', key, values: ['x'] }), labels),
      matches(selecting({ operator: 'NotIn', key, values: ['x'] }), labels),
    ];
    expect(results({})).toEqual([false, true, false, true]);
    expect(results(labelled)).toEqual([true, false, true, false]);
  });

  test('is read from a pod and from a selector', () => {
    const pod = parsePod({ metadata: { name: 'a', namespace: 'x', labels: labelled } });
    const policy = parseNetworkPolicy(
      { metadata: { name: 'p', namespace: 'x' }, spec: { podSelector: { matchLabels: labelled } } },
      { strict: true },
    );
    if (!pod.ok || !policy.ok || policy.value.appliesTo === 'wholeNamespace') throw new Error(key);
    expect(policy.value.appliesTo.requirements).toEqual([{ operator: 'In', key, values: ['x'] }]);
    expect(matches(policy.value.appliesTo, pod.value.labels)).toBe(true);
    expect(matches(policy.value.appliesTo, {})).toBe(false);
  });
});

test.each([
  ['JSON', '{"podSelector": {"matchLabels": {"__proto__": "x"}}}'],
  ['YAML in one line', '{podSelector: {matchLabels: {__proto__: x}}}'],
  ['YAML', '\n  podSelector:\n    matchLabels:\n      __proto__: x'],
])('__proto__ is no label, and is never lost, in %s: the policy fails closed for the whole namespace', (_, spec) => {
  const text = spec.startsWith('{"')
    ? `{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "p"}, "spec": ${spec}}`
    : `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: ${spec}\n`;
  const { documents, errors } = readDocuments(text, 'p');
  expect(errors).toEqual([]);
  const parsed = parseNetworkPolicy(documents[0]?.object, { strict: true });
  expect(parsed).toMatchObject({ ok: true, value: { kind: 'broken', appliesTo: 'wholeNamespace' } });
  expect(parsed.diagnostics.map(({ message }) => message).join()).toContain('__proto__');
});

test('__proto__ brings no field into a mapping', () => {
  const text =
    'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: {podSelector: {}, __proto__: {ingress: [{}]}}\n';
  const parsed = parseNetworkPolicy(readDocuments(text, 'p').documents[0]?.object, { strict: true });
  expect(parsed).toMatchObject({ ok: true, value: { kind: 'broken' } });
});

test('selectors that differ have texts that differ, whatever their labels look like', () => {
  const words = ['a', 'in', 'notin', 'a.in', 'pods', 'blocks', 'namespace', 'listeners', 'x/a', 'A'];
  const values = ['', 'a', 'in', 'a.b', 'notin', '1'];
  const requirements = words.flatMap((key): Requirement[] => [
    { operator: 'Exists', key },
    { operator: 'DoesNotExist', key },
    ...values.flatMap((value): Requirement[] => [
      { operator: 'In', key, values: [value] },
      { operator: 'NotIn', key, values: [value] },
      { operator: 'In', key, values: [value, 'other'] },
      { operator: 'NotIn', key, values: [value, 'other'] },
    ]),
  ]);
  const selectors = requirements.flatMap((one, index) => [
    { requirements: [one] },
    ...requirements.slice(index + 1, index + 20).map((other) => ({ requirements: [one, other] })),
  ]);
  const texts = new Set(selectors.map(canonicalText));
  expect(texts.size).toBe(selectors.length);
});
