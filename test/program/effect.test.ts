import { describe, expect, test } from '@jest/globals';
import { changeFrom } from '../../src/program/change.js';
import { effectOf } from '../../src/program/effect.js';
import { printProgram } from '../../src/program/print.js';
import type { Endpoint, Isolated, ProgramChange } from '../../src/program/types.js';
import { validateProgram } from '../../src/program/validate.js';
import {
  address,
  cidr,
  endpoint,
  everyFeature,
  isolatedBy,
  pods,
  program,
  ruleList,
  anyPort,
} from '../nftables/programs.js';

const nothing = changeFrom(program({}));
const changed = (change: Partial<ProgramChange>): ProgramChange => ({ ...nothing, ...change });
const moved = (before: Endpoint | undefined, after: Endpoint | undefined): ProgramChange =>
  changed({ endpoints: [{ key: 'lab/a', ...(before && { before }), ...(after && { after }) }] });

const open = endpoint('a', ['10.0.0.1']);
const isolated = endpoint('a', ['10.0.0.1'], { ingress: isolatedBy('ingress', 'p') });
const web = pods('web', '10.0.0.2');
const isolation = isolatedBy('ingress', 'p') as Isolated;
const dryRun: Endpoint = { ...open, dryRun: { ingress: isolation } };
const recorded: Endpoint = { ...open, logsAllowed: true };
const list = ruleList('p', 'ingress', { port: anyPort });

describe('the effect of a change', () => {
  test.each([
    ['nothing', nothing, 'none'],
    [
      'a member more',
      changed({ groups: [{ group: web, change: 'members', added: [address('10.0.0.3')], removed: [] }] }),
      'widens',
    ],
    [
      'a member less',
      changed({ groups: [{ group: web, change: 'members', added: [], removed: [address('10.0.0.2')] }] }),
      'narrows',
    ],
    ['a group that comes', changed({ groups: [{ group: web, change: 'added', added: [], removed: [] }] }), 'none'],
    ['isolation that ends', moved(isolated, open), 'widens'],
    ['isolation that begins', moved(open, isolated), 'narrows'],
    [
      'another isolation',
      moved(isolated, endpoint('a', ['10.0.0.1'], { ingress: isolatedBy('ingress', 'q') })),
      'narrows',
    ],
    ['an endpoint that comes', moved(undefined, open), 'narrows'],
    ['a dry run that begins', moved(open, dryRun), 'narrows'],
    ['a dry run that ends', moved(dryRun, open), 'narrows'],
    ['a dry run that becomes isolation', moved(dryRun, isolated), 'narrows'],
    ['isolation that becomes a dry run', moved(isolated, dryRun), 'narrows'],
    [
      'another dry run',
      moved(dryRun, { ...open, dryRun: { ingress: isolatedBy('ingress', 'q') as Isolated } }),
      'narrows',
    ],
    ['a dry run beside isolation', moved(isolated, { ...isolated, dryRun: { ingress: isolation } }), 'narrows'],
    ['a dry run that goes on beside isolation that ends', moved({ ...dryRun, egress: isolation }, dryRun), 'widens'],
    [
      'isolation that ends where a dry run goes on',
      moved({ ...isolated, dryRun: { ingress: isolation } }, dryRun),
      'narrows',
    ],
    ['a record of allows that begins', moved(open, recorded), 'narrows'],
    ['a record of allows that ends', moved(recorded, open), 'narrows'],
    ['isolation that ends where allows are recorded', moved({ ...isolated, logsAllowed: true }, recorded), 'narrows'],
    ['nothing, where allows are recorded', moved(recorded, { ...recorded }), 'none'],
    ['another address', moved(open, endpoint('a', ['10.0.0.9'])), 'narrows'],
    ['a rule list that changes', changed({ ruleLists: [{ id: list.id, before: list, after: list }] }), 'narrows'],
    ['a known pod more', changed({ unknown: { added: [address('10.0.0.1')], removed: [] } }), 'widens'],
    [
      'other ranges of unknown pods',
      changed({ unknown: { ranges: [cidr('10.0.0.0/8')], added: [], removed: [] } }),
      'narrows',
    ],
  ] as const)('%s', (_, change, effect) => {
    expect(effectOf(change)).toBe(effect);
  });
});

describe('a program', () => {
  test('with every feature is valid, and prints the same in any order', () => {
    expect(validateProgram(everyFeature)).toEqual([]);
    const reversed = { ...everyFeature, endpoints: new Map([...everyFeature.endpoints].reverse()) };
    expect(printProgram(reversed)).toBe(printProgram(everyFeature));
    expect(printProgram(everyFeature)).toContain('lab/web ingress[5]: anyone | TCP 22');
  });

  test('that contradicts itself is refused, with each reason', () => {
    const broken = program({
      endpoints: [isolated, endpoint('b', ['10.0.0.1']), endpoint('c', [])],
      groups: [web],
    });
    expect(validateProgram(broken)).toEqual([
      'lab/a ingress names no rule list ingress lab/p',
      'address 10.0.0.1 belongs to lab/a and to lab/b',
      'endpoint lab/c has no address',
      'group pods web is used by nobody',
    ]);
  });
});
