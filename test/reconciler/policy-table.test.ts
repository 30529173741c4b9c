/** An upgrade that gives a set another name keeps what packets added to it. */
import { expect, test } from '@jest/globals';
import type { Element } from '../../src/nftables/language/command.js';
import { render } from '../../src/nftables/render/renderer.js';
import { CacheRenewal } from '../../src/reconciler/cache-renewal.js';
import { PolicyTable } from '../../src/reconciler/policy-table.js';
import { everyFeature } from '../nftables/programs.js';
import { bringIntoForce } from '../support/converge.js';
import { ManualClock } from '../support/manual-clock.js';
import { FakeNftables } from '../support/fake-nftables.js';

const stream = (port: number): Element => [`10.0.0.1 . ${port} . 10.0.0.2 . 80`, ''];

test.each(['picked4', 'midstream4'])(
  'streams that an earlier release has in %s are known to the one of today, also the last ones',
  async (old) => {
    const nft = new FakeNftables();
    const desired = render(everyFeature, { established: 'reevaluate' });
    const midstream = desired.sets.get('mid-streams4');
    if (midstream === undefined) throw new Error('no such set');
    const table = { family: 'inet', table: 'podwall', effect: 'none' } as const;
    const packetsAdd = (port: number): Promise<void> =>
      nft.apply({ ...table, commands: [{ kind: 'add elements', set: old, elements: [stream(port)] }] });
    await nft.apply({
      ...table,
      commands: [
        { kind: 'add table' },
        { kind: 'add set', set: { ...midstream, name: old, dynamic: { timeoutSeconds: 432_000, size: 65_536 } } },
        { kind: 'add chain', name: 'both-ways' },
      ],
    });
    await packetsAdd(1);

    const clock = new ManualClock();
    const cache = new CacheRenewal(clock, () => undefined);
    const policies = new PolicyTable({ nftables: nft, clock, cache, desired });
    const differences = { ...(await policies.read())(), effect: 'narrows' } as const;
    await packetsAdd(2);
    const held: (readonly string[])[] = [];
    await bringIntoForce(policies, differences, () => {
      held.push([...(nft.ruleset.sets.get('mid-streams4')?.elements.keys() ?? [])]);
    });
    expect(held).toEqual([[stream(1)[0]]]);
    expect([...(nft.ruleset.sets.get('mid-streams4')?.elements.keys() ?? [])]).toEqual([stream(1)[0], stream(2)[0]]);
    expect(nft.ruleset.sets.has(old)).toBe(false);
    expect(nft.ruleset.chains.has('both-ways')).toBe(false);
    const before = nft.applied.length;
    await bringIntoForce(policies, { ...(await policies.read())(), effect: 'none' }, () => undefined);
    expect(nft.applied.length).toBe(before);
  },
);
