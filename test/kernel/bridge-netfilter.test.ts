import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeNetfilter } from '../../src/kernel/links/bridge-netfilter.js';

const settings = ['bridge-nf-call-iptables', 'bridge-nf-call-ip6tables'];

describe('bridgeNetfilter', () => {
  let folder: string;
  const set = (...values: readonly string[]): void =>
    values.forEach((value, index) => writeFileSync(join(folder, settings[index] ?? ''), `${value}\n`));
  const values = (): string[] => settings.map((name) => readFileSync(join(folder, name), 'utf8').trim());

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'podwall-sysctl-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each([
    ['0', '0'],
    ['1', '0'],
    ['0', '1'],
    ['1', '1'],
  ])('ensure sets what is not set: %s %s', async (...before) => {
    set(...before);
    expect(await bridgeNetfilter('ensure', folder)).toBeUndefined();
    expect(values()).toEqual(['1', '1']);
  });

  test('check touches nothing, and names the setting and the command', async () => {
    set('1', '0');
    expect(await bridgeNetfilter('check', folder)).toBe(
      'net.bridge.bridge-nf-call-ip6tables is 0: policies do not hold between pods of one bridge (sysctl -w net.bridge.bridge-nf-call-ip6tables=1)',
    );
    expect(values()).toEqual(['1', '0']);
    set('1', '1');
    expect(await bridgeNetfilter('check', folder)).toBeUndefined();
  });

  test.each(['ensure', 'check'] as const)('%s without the module names it', async (mode) => {
    expect(await bridgeNetfilter(mode, join(folder, 'absent'))).toBe(
      'br_netfilter is not loaded: policies do not hold between pods of one bridge (modprobe br_netfilter)',
    );
  });

  test('a setting that cannot be read is named with the reason', async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, '');
    expect(await bridgeNetfilter('ensure', folder)).toMatch(/bridge-nf-call-iptables cannot be set \(ENOTDIR\)/);
  });
});
