/** Each field of a policy with a value of another type: an error at that very place. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readInputs } from '../../src/cli/policy/inputs.js';
import { readLintInputs } from '../../src/cli/policy/lint-inputs.js';
import { lint } from '../../src/lint/engine.js';
import { edited, fieldsOf, pointerOf, wrongFor } from '../support/wrong-types.js';

const selector = { matchLabels: { app: 'a' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['b'] }] };
const rule = (peers: string): object => ({
  [peers]: [
    { podSelector: selector, namespaceSelector: selector },
    { ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } },
  ],
  ports: [{ protocol: 'TCP', port: 80, endPort: 90 }],
});
const policy = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: { name: 'p', namespace: 'shop', labels: { a: 'b' }, annotations: { c: 'd' } },
  spec: { podSelector: selector, policyTypes: ['Ingress', 'Egress'], ingress: [rule('from')], egress: [rule('to')] },
};

const rows = fieldsOf(policy)
  // What has no kind or version is not an object: it is skipped with a message.
  .filter(([[first]]) => first === 'metadata' || first === 'spec')
  .flatMap(([path, value]) =>
    wrongFor(path, value)
      // A port may be a name: a text is another mistake, with a message of its own.
      .filter((wrong) => typeof value !== 'number' || typeof wrong !== 'string')
      .map((wrong) => [pointerOf(path), JSON.stringify(wrong), path, wrong] as const),
  );

describe('wrong types', () => {
  let file: string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'podwall-types-'));
    file = join(folder, 'policy.yaml');
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(rows)('%s: %s', async (at, _, path, wrong) => {
    // A key without quotes makes it YAML.
    await writeFile(
      file,
      JSON.stringify(
        edited(policy, path, () => wrong),
        undefined,
        1,
      ).replace('"spec"', 'spec'),
    );
    const { input } = await readLintInputs({ file: [file], closedWorld: false });
    const errors = lint(input).filter(({ severity }) => severity === 'error');
    expect(errors.filter((one) => one.pointer.startsWith(at) && one.line > 1)).not.toEqual([]);
    const { unparsed, problems } = await readInputs({ file: [file] });
    expect([...unparsed, ...problems]).toContainEqual(expect.stringMatching(/policy\.yaml:\d+:\d+: (metadata|spec)/));
  });
});
