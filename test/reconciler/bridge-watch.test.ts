import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeNetfilter, type BridgeNetfilterMode } from '../../src/kernel/links/bridge-netfilter.js';
import { BridgeWatch } from '../../src/reconciler/bridge-watch.js';
import { ManualClock } from '../support/manual-clock.js';
import { until } from '../support/until.js';

const settings = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'];

describe('settings of bridges that another process switches off', () => {
  let folder: string;
  const set = (value: string): void => settings.forEach((name) => writeFileSync(join(folder, name), `${value}\n`));
  const values = (): string[] => settings.map((name) => readFileSync(join(folder, name), 'utf8').trim());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'podwall-bridges-'));
    set('0');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = (mode: BridgeNetfilterMode) => {
    const [clock, lines, repaired] = [new ManualClock(), [] as string[], [] as string[]];
    const write = (_: object, message: string): void => void lines.push(message);
    let settled = 0;
    const watch = new BridgeWatch(
      {
        bridgeNetfilter: (onSet) => bridgeNetfilter(mode, folder, onSet),
        clock,
        log: { info: write, warn: write, error: write, debug: write },
      },
      { onSettled: () => (settled += 1), onSettingRepair: (setting) => void repaired.push(setting) },
    );
    return { watch, clock, lines, repaired, settled: () => settled };
  };

  test('ensure: set again within a second, and counted; the first time they are only set', async () => {
    const { watch, clock, lines, repaired } = start('ensure');
    await watch.follow(true);
    expect([values(), repaired]).toEqual([['1', '1'], []]);
    set('0');
    clock.advance(1_000);
    await until(() => repaired.length === 2);
    expect([values(), repaired, lines, watch.problem]).toEqual([['1', '1'], settings, [], undefined]);
    watch[Symbol.dispose]();
  });

  test('check: known within a second, logged once, and once more when it is over', async () => {
    set('1');
    const { watch, clock, lines, settled } = start('check');
    await watch.follow(true);
    expect(watch.problem).toBeUndefined();
    set('0');
    clock.advance(1_000);
    await until(() => settled() === 1);
    expect(watch.problem).toContain('net.bridge.bridge-nf-call-iptables is 0');
    await watch.follow(true);
    set('1');
    clock.advance(1_000);
    await until(() => settled() === 2);
    expect(watch.problem).toBeUndefined();
    expect(lines).toEqual([
      expect.stringContaining('bridge-nf-call-iptables is 0'),
      'frames between pods of a bridge reach the rules',
    ]);
    watch[Symbol.dispose]();
  });

  test('without a pod on a bridge nothing is read, and nothing is a problem', async () => {
    const { watch, clock } = start('check');
    await watch.follow(true);
    expect(watch.problem).toBeDefined();
    await watch.follow(false);
    expect(watch.problem).toBeUndefined();
    set('0');
    clock.advance(1_000);
    expect(watch.problem).toBeUndefined();
    watch[Symbol.dispose]();
  });
});
