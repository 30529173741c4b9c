/** Every name that the agent gives to an object has a meaning. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compile, type CompilerOptions } from '../../../src/compiler/compiler.js';
import type { Attachment } from '../../../src/model/attachment.js';
import type { Ruleset } from '../../../src/nftables/language/types.js';
import { chains } from '../../../src/nftables/names/chains.js';
import { counters } from '../../../src/nftables/names/counters.js';
import { longestName } from '../../../src/nftables/names/grammar.js';
import { parseLogPrefix } from '../../../src/nftables/names/log-prefix.js';
import { packetCountOf } from '../../../src/nftables/names/packet-counts.js';
import { isRetired } from '../../../src/nftables/names/retired.js';
import { sets } from '../../../src/nftables/names/sets.js';
import { renderGuards } from '../../../src/nftables/render/guards.js';
import type { AuditRules } from '../../../src/nftables/render/log-rules.js';
import { render, type RenderOptions } from '../../../src/nftables/render/renderer.js';
import { cluster } from '../../support/arbitrary.js';
import { cases } from '../../support/seed.js';
import { titledPrograms } from '../example-programs.js';
import { address, everyFeature } from '../programs.js';

const audit: AuditRules = { group: 1, pairRate: 100, pairBurst: 200, pairs: 1024, sharedRate: 1000 };
const everyOption: readonly RenderOptions[] = (['enforce', 'dry-run'] as const).flatMap((mode) =>
  [undefined, audit].flatMap((log) =>
    [0, 8].map((inline) => ({
      established: 'keep' as const,
      mode,
      inlineLists: inline,
      inlineRules: inline,
      ...(log === undefined ? {} : { audit: log }),
    })),
  ),
);

/** What is wrong with a ruleset's names. */
function wrongNames(ruleset: Ruleset): string[] {
  const grammars = { chain: chains, counter: counters, set: sets } as const;
  const objects = { chain: ruleset.chains.keys(), counter: ruleset.counters, set: ruleset.sets.keys() } as const;
  return (['chain', 'counter', 'set'] as const).flatMap((kind) =>
    [...objects[kind]].flatMap((name) => {
      const { meaningOf, nameOf } = grammars[kind] as typeof chains;
      const meaning = meaningOf(name);
      const isWritten = meaning !== undefined && nameOf(meaning) === name;
      return isWritten && name.length <= longestName && !isRetired(name) ? [] : [`${kind} ${name}`];
    }),
  );
}

const logPrefixes = ({ chains: found }: Ruleset): string[] =>
  [...found.values()].flatMap(({ rules }) =>
    rules.flatMap(({ statements }) => statements.flatMap((one) => ('log' in one ? [one.log.prefix] : []))),
  );

test.each(titledPrograms)('every name of the ruleset of %s, however it is rendered', (_, program) => {
  for (const options of everyOption) {
    const ruleset = render(program, options);
    expect(wrongNames(ruleset)).toEqual([]);
    for (const prefix of logPrefixes(ruleset)) {
      expect(Buffer.byteLength(prefix)).toBeLessThan(127);
      expect(parseLogPrefix(prefix)?.meaning).toBeDefined();
    }
  }
});

test('of random clusters with dry runs and recorded allows', () => {
  const compiled: readonly CompilerOptions[] = [{ scope: { node: 'n1' } }, { scope: { node: 'n1' }, dryRun: 'all' }];
  fc.assert(
    fc.property(cluster, (snapshot) => {
      for (const scope of compiled)
        for (const options of everyOption) expect(wrongNames(render(compile(snapshot, scope), options))).toEqual([]);
    }),
    { numRuns: cases(20) },
  );
});

test.each(['enforce', 'dry-run'] as const)('every name of the guards of mode %s', (mode) => {
  const attachment: Attachment = {
    kind: 'bridged',
    pod: { namespace: 'x', name: 'a' },
    podUid: 'a',
    device: 'veth0@if.9_-',
    ifindex: 7,
    addresses: [address('10.0.0.1'), address('fd00::1')],
  };
  const guards = renderGuards([attachment], { sourceGuardOffNamespaces: new Set(), audit, mode });
  expect(wrongNames(guards)).toEqual([]);
  expect([...guards.chains.values()].filter(({ hook }) => hook !== undefined)).toHaveLength(2);
  for (const prefix of logPrefixes(guards))
    expect(parseLogPrefix(prefix)?.meaning).toMatchObject({ device: 'veth0@if.9_-' });
});

test('every drop is counted for the log, before its limits and after', () => {
  const ruleset = render(everyFeature, { established: 'reevaluate', audit });
  const dropping = [...ruleset.chains.values()].filter(({ rules }) =>
    rules.some(({ statements }) => statements.some((one) => 'drop' in one)),
  );
  expect(dropping.length).toBeGreaterThan(8);
  for (const { rules } of dropping) {
    const counted = rules.flatMap(({ statements }) =>
      statements.flatMap((one) => ('counter' in one ? [packetCountOf(one.counter)?.counts] : [])),
    );
    expect(new Set(counted).size).toBe(2);
    expect(counted).not.toContain(undefined);
  }
});
