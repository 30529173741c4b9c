import { describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { createLog, toLogfmt } from '../../src/node/log.js';

function logged(format: 'json' | 'text', write: (log: ReturnType<typeof createLog>) => void): string {
  const out = new PassThrough();
  write(createLog(format, 'info', out));
  return String(out.read() ?? '');
}

describe('the log', () => {
  test('text is logfmt, the message among the first fields', () => {
    expect(logged('text', (log) => log.info({ revision: 3, changed: 2, ms: 1.5 }, 'applied'))).toMatch(
      /^time=\S+ level=info msg=applied revision=3 changed=2 ms=1.5\n$/,
    );
  });

  test('json carries the message as "msg"', () => {
    const line = logged('json', (log) => log.info({ revision: 3 }, 'applied'));
    expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: 'applied', revision: 3 });
    expect(line).toContain('"msg":"applied"');
  });

  test('values with blanks or quotes are quoted, so that a line can be split again', () => {
    expect(toLogfmt('{"level":"warn","msg":"two words","by":"a=b","text":"say \\"no\\""}')).toBe(
      'level=warn msg="two words" by="a=b" text="say \\"no\\""',
    );
  });

  test('lines below the level are not written', () => {
    expect(logged('text', (log) => log.debug('quiet'))).toBe('');
  });
});
