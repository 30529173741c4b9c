/** The rows are what their titles say: a bench of fewer ports than it claims would be met by anything. */
import { describe, expect, test } from '@jest/globals';
import { isDeepStrictEqual } from 'node:util';
import { parseNetworkPolicy } from '../../../src/model/parse.js';
import type { NetworkPolicy } from '../../../src/model/policy.js';
import type { Manifest } from '../../cases/types.js';
import { keyOf } from '../../cases/written-cluster.js';
import { smallRows, tenantRows, type TenantRow } from './rows.js';

const rowOf = (name: string): TenantRow => {
  const row = [...tenantRows, ...smallRows].find((one) => one.name === name);
  if (row === undefined) throw new Error(`no row ${name}`);
  return row;
};

function policiesOf(objects: readonly Manifest[]): readonly NetworkPolicy[] {
  return objects
    .filter(({ kind }) => kind === 'NetworkPolicy')
    .map((object) => {
      const parsed = parseNetworkPolicy(object, { strict: true });
      if (!parsed.ok || parsed.value.kind !== 'policy') throw new Error(`${object.metadata.name} does not parse`);
      return parsed.value;
    });
}

/** Policies, and by policy the ports, peers and excepts of its rules. */
function shapeOf(row: TenantRow): readonly number[] {
  const policies = policiesOf(row.objects(0));
  const rules = policies[0]?.ingress ?? [];
  const peers = rules.flatMap((rule) => (rule.peers === 'anyone' ? [] : rule.peers));
  const ports = rules.flatMap((rule) => (rule.ports === 'anyPort' ? [] : rule.ports));
  const excepts = peers.flatMap((peer) => (peer.kind === 'ipBlock' ? peer.except : []));
  return [policies.length, ports.length, peers.length, excepts.length];
}

describe('rows of tenants', () => {
  test.each([
    ['blocks-5000', [1, 0, 5000, 0]],
    ['ports-1000x10', [1, 1000, 10, 0]],
    ['ports-2000x2000', [1, 2000, 2000, 0]],
    ['except-3000', [1, 0, 1, 3000]],
    ['selectors-1000', [1, 0, 1000, 0]],
    ['policies-1000-block', [1000, 1, 1, 0]],
    ['policies-10000-label', [10_000, 1, 1, 0]],
    ['named-ports-1000', [1, 1000, 1, 0]],
    ['namespaces-1000', [1000, 20, 20, 0]],
  ])('%s: policies, ports, peers and excepts', (name, shape) => {
    expect(shapeOf(rowOf(name))).toEqual(shape);
  });

  test('names are unique, and none is a part of what no row has', () => {
    const names = [...tenantRows, ...smallRows].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(
    tenantRows.filter(({ name }) => !/100000|policies-10000/.test(name)).map((row) => [row.name, row] as const),
  )('%s: an edit changes the same objects', (_, row) => {
    const [before, after] = [row.objects(0), row.objects(1)];
    if (row.isLoop !== true) expect(after.map(keyOf)).toEqual(before.map(keyOf));
    for (const index of [0, (row.edited ?? before.length) - 1])
      expect(isDeepStrictEqual(after[index], before[index])).toBe(false);
  });

  test('a block list keeps its first half, and no address stands twice', () => {
    const cidrs = (version: number): readonly string[] => {
      const [found] = policiesOf(rowOf('blocks-5000').objects(version));
      const peers = found?.ingress?.[0]?.peers;
      if (peers === undefined || peers === 'anyone') throw new Error('no peers');
      return peers.map((peer) => JSON.stringify(peer));
    };
    const [before, after] = [cidrs(0), cidrs(1)];
    expect(new Set(after).size).toBe(5000);
    const known = new Set(before);
    expect(after.filter((cidr) => known.has(cidr))).toHaveLength(2500);
  });

  test('the invalid ones do not parse', () => {
    expect(() => policiesOf(rowOf('invalid-1000').objects(0).slice(0, 1))).toThrow('does not parse');
  });

  test('every selector of the 300 matches the 1,000 pods that are there', () => {
    const row = rowOf('selectors-300');
    const pods = row.before?.() ?? [];
    expect(pods).toHaveLength(1000);
    expect(new Set(pods.map(({ metadata }) => metadata.labels?.['app']))).toEqual(new Set(['load']));
    const [found] = policiesOf(row.objects(1));
    const peers = found?.ingress?.[0]?.peers;
    if (peers === undefined || peers === 'anyone') throw new Error('no peers');
    for (const peer of peers)
      expect(peer).toMatchObject({ kind: 'pods', pods: { requirements: [{ key: 'app', operator: 'In' }] } });
    expect(peers.every((peer) => JSON.stringify(peer).includes('"load"'))).toBe(true);
  });
});
