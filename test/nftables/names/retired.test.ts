/** An agent of today over the table of an earlier one: its names are understood until it has gone. */
import { expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chains } from '../../../src/nftables/names/chains.js';
import { counters } from '../../../src/nftables/names/counters.js';
import { parseLogPrefix } from '../../../src/nftables/names/log-prefix.js';
import { packetCountOf } from '../../../src/nftables/names/packet-counts.js';
import { todaysName } from '../../../src/nftables/names/retired.js';

const hash = '90627b029659eaed';

test.each([
  ['deny-no-entry packet', { kind: 'skeleton-deny', reason: 'invalid' }],
  ['deny-picked-full original', { kind: 'skeleton-deny', reason: 'midstream-full' }],
  ['deny-error packet', { kind: 'skeleton-deny', reason: 'icmp-error' }],
  ['deny-mid-stream reply', { kind: 'skeleton-deny', reason: 'mid-stream' }],
  [`deny-in-${hash} original`, { kind: 'deny', direction: 'ingress' }],
  [`would-deny-out-${hash}-recorded original`, { kind: 'dry-run-deny', direction: 'egress' }],
  [`would-allow-in-shop-web-3-${hash} reply`, { kind: 'dry-run-allow', direction: 'ingress' }],
  [`allow-out-shop-web-0-${hash} original`, { kind: 'allow', direction: 'egress' }],
  ['allow-in-open original', { kind: 'allow-not-isolated', direction: 'ingress' }],
  ['guard-veth0 packet', { kind: 'guard', device: 'veth0' }],
])('a packet that was logged as %s', (logged, meaning) => {
  const prefix = parseLogPrefix(`podwall ${logged}`);
  expect(prefix?.meaning).toMatchObject(meaning);
  // Under today's name, which may be remembered.
  expect(chains.meaningOf(prefix?.chain ?? '')).toEqual(prefix?.meaning);
});

test('a name that was longer than today’s may be is the one that is given today', () => {
  const readable = 'n'.repeat(34);
  const chain = parseLogPrefix(`podwall would-allow-in-${readable}-0-${hash} original`)?.chain;
  const today = {
    kind: 'dry-run-allow',
    direction: 'ingress',
    readable: `${readable}nnn`,
    rule: 0,
    policy: hash,
  } as const;
  expect(chain).toBe(chains.nameOf(today));
});

test('a chain of a release that is to come has no meaning, and is one of ours', () => {
  expect(parseLogPrefix('podwall deny-something-new original')).toEqual({
    chain: 'deny-something-new',
    meaning: undefined,
    orientation: 'original',
  });
  expect(parseLogPrefix('others deny-mid-stream original')).toBeUndefined();
});

/** Counters that say nothing of packets for the log. */
const others = new Set(['judged', 'picked-up']);
const layouts = resolve(import.meta.dirname, '../../kernel/layouts');

test.each(readdirSync(layouts))('the counters of layout %s: what is dropped is accounted for', (name) => {
  const text = readFileSync(join(layouts, name), 'utf8');
  const found = [...text.matchAll(/^ {2}counter (\S+) \{/gm)].map((match) => match[1] ?? '');
  expect(found.length).toBeGreaterThan(8);
  for (const counter of found.filter((one) => !others.has(one)))
    expect({ counter, meaning: counters.meaningOf(todaysName(counter)) }).not.toMatchObject({ meaning: undefined });
  for (const counter of found.filter((one) => one.startsWith('drop-')))
    expect(packetCountOf(counter)?.scope).toBe(counter.startsWith('drop-in-') ? 'ingress' : 'neither');
});
