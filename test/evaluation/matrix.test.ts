import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compileWorkloads } from '../../src/analysis/compiled-workloads.js';
import { workloadsOf } from '../../src/analysis/workloads.js';
import type { BlockOptions } from '../../src/evaluation/blocks.js';
import { Evaluator } from '../../src/evaluation/evaluator.js';
import { externalRanges } from '../../src/evaluation/external-ranges.js';
import type { FlowEndpoint } from '../../src/evaluation/flow-endpoints.js';
import { Matrix } from '../../src/evaluation/matrix.js';
import { families } from '../../src/model/address.js';
import { cluster } from '../support/arbitrary.js';
import { cases } from '../support/seed.js';
import { address, anyPort, blocks, cidr, endpoint, listeners, members, program, rule, workload } from './programs.js';

const options: readonly BlockOptions[] = [
  { ipBlocks: 'cluster', podCidrs: [] },
  { ipBlocks: 'cluster', podCidrs: [cidr('10.0.0.0/24'), cidr('fd00::/64')] },
  { ipBlocks: 'external', podCidrs: [] },
];

test.each(options)('a cell of the matrix is what the evaluator says of that pair (%j)', (reading) => {
  fc.assert(
    fc.property(cluster, fc.nat(), (snapshot, without) => {
      // Some have no address yet, as templates.
      const pods = snapshot.pods.map((one, index) => {
        const isTemplate = (without >> (index % 16)) % 2 === 1;
        return { owner: { kind: 'Pod', ...one.ref }, pod: isTemplate ? { ...one, addresses: [] } : one, isTemplate };
      });
      const workloads = workloadsOf(pods, snapshot.policies);
      const compiled = compileWorkloads(workloads, snapshot);
      const ranges = families.flatMap((family) => externalRanges([compiled], family));
      const matrix = new Matrix(compiled, { workloads, ranges }, reading);
      const evaluator = new Evaluator(compiled, reading);
      const endpoints = [
        ...workloads.map((one): FlowEndpoint => ({ kind: 'workload', workload: one })),
        ...ranges.map((range): FlowEndpoint => ({ kind: 'address', address: range.sample, range })),
      ];
      for (const [from, source] of endpoints.entries())
        for (const [to, destination] of endpoints.entries())
          for (const family of families) {
            const isElsewhere = [source, destination].some(
              (one) => one.kind === 'address' && one.range?.family !== family,
            );
            if (isElsewhere) continue;
            const cell = matrix.pair(from, to, family);
            expect({ from, to, family, ...cell }).toEqual({
              from,
              to,
              family,
              ...evaluator.allowance(source, destination, family),
            });
          }
    }),
    { numRuns: cases(100) },
  );
});

test.each([
  ['a peer', rule(members('nowhere'), anyPort)],
  ['a port', rule({ kind: 'anyone' }, listeners('nowhere'))],
])('%s whose group is not there is a fault, and no empty cell', (_, broken) => {
  const workloads = [workload('x/Deployment/w')];
  const compiled = program({
    endpoints: [endpoint('w', [address('workload:x/Deployment/w')], { ingress: { isolated: true, rules: [broken] } })],
  });
  const matrix = new Matrix(compiled, { workloads, ranges: [] }, { ipBlocks: 'cluster', podCidrs: [] });
  expect(() => matrix.pair(0, 0, 'IPv4')).toThrow('no group nowhere');
});

test.each(['192.0.2.7/32', '192.0.2.0/29'])('a block reaches with its last address, too: %s', (block) => {
  const workloads = [workload('x/Deployment/w')];
  const rules = [rule(blocks([block], ['192.0.2.7/32']), anyPort)];
  const compiled = program({
    endpoints: [endpoint('w', [address('workload:x/Deployment/w')], { ingress: { isolated: true, rules } })],
  });
  const ranges = externalRanges([compiled], 'IPv4');
  const reading = { ipBlocks: 'external', podCidrs: [] } as const;
  const matrix = new Matrix(compiled, { workloads, ranges }, reading);
  const evaluator = new Evaluator(compiled, reading);
  const at = ranges.findIndex(({ first, last }) => first <= 0xc0000207n && 0xc0000207n <= last);
  const [range, to] = [ranges[at], workloads[0]];
  if (range === undefined || to === undefined) throw new Error('no such range');
  const source: FlowEndpoint = { kind: 'address', address: range.sample, range };
  const allowance = evaluator.allowance(source, { kind: 'workload', workload: to }, 'IPv4');
  expect(matrix.pair(1 + at, 0, 'IPv4')).toMatchObject(allowance);
  expect(allowance).not.toEqual(
    evaluator.allowance({ ...source, address: address('198.51.100.1') }, { kind: 'workload', workload: to }, 'IPv4'),
  );
});
