import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { endpointClasses, lossCauses, reasons, recordLine, tiers, type AuditRecord } from '../../src/audit/record.js';
import schema from '../../src/audit/record.schema.json' with { type: 'json' };
import { deniedRecord, lossRecord } from './records.js';

const isValid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile<AuditRecord>(schema);
const errorsOf = (record: unknown): unknown[] => (isValid(record) ? [] : (isValid.errors ?? []));

describe('schema', () => {
  test('records of every verdict, mode and reason are valid', () => {
    for (const mode of ['enforce', 'dry-run'] as const)
      for (const verdict of ['allow', 'deny'] as const)
        for (const reason of reasons)
          expect(errorsOf(deniedRecord({ 'podwall.reason': reason }, verdict, mode))).toEqual([]);
  });

  test.each(lossCauses)('a loss by %s is valid', (cause) => expect(errorsOf(lossRecord(cause, 913))).toEqual([]));

  test('says the same words as the types', () => {
    const { event, loss, step } = schema.$defs;
    expect(event.properties['podwall.reason'].enum).toEqual(reasons);
    expect(event.properties['source.podwall.class'].enum).toEqual(endpointClasses);
    expect(event.properties['destination.podwall.class'].enum).toEqual(endpointClasses);
    expect(loss.properties['podwall.loss.cause'].enum).toEqual(lossCauses);
    expect(step.properties.tier.enum).toEqual(tiers);
  });

  test.each([
    ['a key that is not known', { 'podwall.secret': 1 }],
    ['a port that is none', { 'destination.port': 65536 }],
    ['a reason that is none', { 'podwall.reason': 'because' }],
    ['a time that is none', { '@timestamp': 'yesterday' }],
    ['an outcome that is none', { 'event.outcome': 'unknown' }],
    ['a count of nothing', { 'podwall.count': 0 }],
  ])('refuses %s', (_, fields) => expect(errorsOf({ ...deniedRecord(), ...fields })).not.toEqual([]));

  test.each(schema.$defs.event.required)('refuses an event without %s', (key) => {
    const rest = Object.entries(deniedRecord()).filter(([name]) => name !== key);
    expect(errorsOf(Object.fromEntries(rest))).not.toEqual([]);
  });
});

describe('a dry run says what became of the packet', () => {
  test.each([
    ['deny', 'enforce', 'failure', 'denied'],
    ['allow', 'enforce', 'success', 'allowed'],
    ['deny', 'dry-run', 'success', 'allowed'],
    ['allow', 'dry-run', 'failure', 'denied'],
  ] as const)('%s under %s', (verdict, mode, outcome, type) => {
    const record = deniedRecord({}, verdict, mode);
    expect([record['event.outcome'], record['event.type'][1]]).toEqual([outcome, type]);
  });
});

describe('a line', () => {
  const hostile = 'web\n{"podwall.verdict":"allow"}\r\u2028\u2029\u0085\u001b[2J\u009b\u007f\u202e\ud800';

  test('holds a hostile name on one line, without controls, and gives it back', () => {
    const line = recordLine(deniedRecord({ 'source.k8s.pod.name': hostile }));
    expect(line.endsWith('}\n')).toBe(true);
    expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e\ud800]/);
    expect((JSON.parse(line) as Record<string, unknown>)['source.k8s.pod.name']).toBe(hostile);
  });
});
