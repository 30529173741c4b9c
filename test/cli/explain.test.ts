import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { execa } from 'execa';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { examplesDirectory } from '../cases/examples.js';
import { bundle } from '../support/product.js';

jest.setTimeout(30_000);

const tiers = join(examplesDirectory, '12-three-tiers');
const podwall = (...args: readonly string[]) =>
  execa(process.execPath, [bundle, 'explain', ...args], { reject: false });

describe('explain', () => {
  test('a denial: the policy with its place, the field that did not match, an edit', async () => {
    const { stdout, exitCode } = await podwall('web.bookshop', 'db.bookshop', '5432', '-f', tiers);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('no: bookshop/Pod/web may not reach bookshop/Pod/db on TCP 5432');
    expect(stdout).toMatch(/bookshop\/database-from-app {2}\(.*policy\.yaml:19:1\)/);
    expect(stdout).toMatch(
      /spec\.ingress\[0\]\.from\[0\]\.podSelector\.matchLabels\.tier {2}\(.*policy\.yaml:32:15\): wants tier=app; bookshop\/Pod\/web has tier=web/,
    );
    expect(stdout).toMatch(/add to spec\.ingress\[0\]\.from .*\n {5}- podSelector:\n {9}matchLabels:\n {11}tier: web/);
  });

  test('what is allowed: the rule with its place', async () => {
    const { stdout, exitCode } = await podwall('app.bookshop', 'db.bookshop', '5432', '-f', tiers, '-o', 'json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'Explanation',
      allowed: true,
      explanations: [
        {
          steps: [
            { direction: 'egress', exempt: 'notIsolated' },
            {
              direction: 'ingress',
              allowedBy: [{ path: 'spec.ingress[0].from[0]', place: expect.stringMatching(/policy\.yaml:30:11$/) }],
            },
          ],
        },
      ],
    });
  });

  test('ranges of the internet: one explanation for each reason, and how many fare alike', async () => {
    const { stdout, exitCode } = await podwall('internet', 'web.bookshop', '22', '-f', tiers);
    expect(exitCode).toBe(0);
    const denied = await podwall('internet', 'db.bookshop', '5432', '-f', tiers);
    expect(denied.stdout).toMatch(/^no: 1\.0\.0\.0-9\.255\.255\.255 may not reach/);
    expect(denied.stdout).toMatch(/\(the same for \d+ more\)\n\nno: 2000::-3fff/);
    expect(stdout).toMatch(/^yes: /);
  });

  test('a workload: who selects it, and what that adds up to', async () => {
    const { stdout, exitCode } = await podwall('db.bookshop', '-f', tiers);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ingress: isolated by\n {4}bookshop\/database-from-app/);
    expect(stdout).toContain(
      'TCP 5432 from pods tier=app in bookshop: bookshop/database-from-app ingress[0].from[0] ports[0]',
    );
    expect(stdout).toMatch(/adds up to\n {6}TCP 5432 from bookshop\/Pod\/app\n/);
    expect(stdout).toContain('egress: no policy isolates it: everything is allowed');
  });

  describe('a policy that cannot be read', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'podwall-explain-'));
      await writeFile(
        join(folder, 'broken.yaml'),
        `{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}}
---
{apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {containers: []}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: broken }
spec:
  podSelector: {}
  ingress: [{ form: [{ podSelector: {} }] }]
`,
      );
    });
    afterAll(() => rm(folder, { recursive: true }));

    test('isolates, and the explanation says what is wrong with it', async () => {
      const { stdout, exitCode } = await podwall('a', 'b', '80', '-f', folder);
      expect(exitCode).toBe(1);
      expect(stdout).toMatch(
        /default\/broken .*broken\.yaml:5:1\)\n +cannot be read, so it isolates and allows nothing:\n +.*form/,
      );
    });
  });
});
