/** The page of `reach -o html`: it needs nothing else, and in a browser it searches and draws. */
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import type { Connection, PortSet, ReachEndpoint } from '../../src/model/reachability.js';
import { printReachabilityPage } from '../../src/report/reachability-page.js';
import { findChromium } from './browser.js';

jest.setTimeout(120_000);

const workload = (name: string): ReachEndpoint => ({
  ...{ id: `shop/Deployment/${name}`, kind: 'workload', namespace: 'shop', labels: {} },
  workload: { kind: 'Deployment', name },
});
const everything: PortSet = (['SCTP', 'TCP', 'UDP'] as const).map((protocol) => ({ protocol, first: 1, last: 65_535 }));
const connection = (from: string, to: string, allowed: PortSet): Connection => ({
  ...{ from: `shop/Deployment/${from}`, to: `shop/Deployment/${to}`, allowed, assumed: false },
});
const pg: PortSet = [{ protocol: 'TCP', first: 5432, last: 5432 }];
const hostile = '</script><img src=x onerror="document.title=1">';
const many = Array.from({ length: 100 }, (_, number) => `many-${number}`);
const page = [
  ...printReachabilityPage({
    endpoints: ['db', 'web', hostile, ...many].map(workload),
    connections: [
      connection('web', 'db', pg),
      connection('db', 'web', everything),
      connection(hostile, 'db', pg),
      ...many.flatMap((from) => many.slice(0, 10).map((to) => connection(from, to, pg))),
    ],
    warnings: ['<b>only</b> the name is known'],
  }),
].join('');

test('it loads nothing', () => {
  expect(page).not.toMatch(/\b(?:src|href)\s*=\s*["']?(?!x)|@import|url\(|https?:\/\/|fetch\(/);
});

const chromium = findChromium();
const inBrowser = chromium === undefined ? describe.skip : describe;

inBrowser('in a browser (skipped without one: apt-get install chromium, or $CHROMIUM)', () => {
  let folder: string;
  let browser: Browser;
  let tab: Page;
  const requests: string[] = [];
  const complaints: string[] = [];
  /** Of an expression there: the types of a browser are none of ours. */
  const ask = async <T>(expression: string): Promise<T> => (await tab.evaluate(expression)) as T;
  const textOf = (selector: string): Promise<string> => ask(`document.querySelector('${selector}').textContent`);
  const rows = (selector: string): Promise<readonly string[]> =>
    ask(
      `[...document.querySelectorAll('${selector} tr')].map((row) => [...row.children].map((cell) => cell.textContent).join(' | '))`,
    );
  const search = async (id: string, text: string): Promise<void> => {
    await ask(`document.getElementById('${id}').value = ''`);
    await tab.type(`#${id}`, `${text} `);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-page-'));
    await writeFile(join(folder, 'reach.html'), page);
    browser = await puppeteer.launch({ executablePath: chromium ?? '', args: ['--no-sandbox', '--disable-gpu'] });
    tab = await browser.newPage();
    tab.on('request', (request) => requests.push(request.url()));
    tab.on('pageerror', (error) => complaints.push(String(error)));
    await tab.goto(`file://${folder}/reach.html`);
  });
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  test('it asks for nothing but itself, nothing fails, and names stay text', async () => {
    expect([requests, complaints]).toEqual([[`file://${folder}/reach.html`], []]);
    expect(await tab.title()).toBe('Reachability');
    expect(await ask<number>('document.images.length')).toBe(0);
    expect(await textOf('.warning')).toBe('<b>only</b> the name is known');
  });

  test('what is too much at once is cut, and said to be', async () => {
    expect(await rows('#list')).toHaveLength(500);
    expect(await textOf('#count')).toBe('1003 connections; only the first are shown: search for names');
    expect((await rows('#matrix')).length).toBe(61);
  });

  test('a search over both ends leaves what it finds, in the list and in the matrix', async () => {
    await search('from', 'deployment/web');
    await search('to', '/db');
    expect(await rows('#list')).toEqual(['shop/Deployment/web | shop/Deployment/db | TCP 5432']);
    expect(await rows('#matrix')).toEqual(['from \\ to | shop/Deployment/db', 'shop/Deployment/web | ◐']);
    await search('from', '/db');
    await search('to', '/web');
    expect(await rows('#matrix')).toEqual(['from \\ to | shop/Deployment/web', 'shop/Deployment/db | ●']);
    const title = await ask<string>("document.querySelector('#matrix td').title");
    expect(title).toBe('shop/Deployment/db → shop/Deployment/web: all ports');
  });
});
