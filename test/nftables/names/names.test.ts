import { describe, expect, test } from '@jest/globals';
import { commentOf } from '../../../src/nftables/language/comment-text.js';
import { chains } from '../../../src/nftables/names/chains.js';
import { render } from '../../../src/nftables/render/renderer.js';
import type { PolicyRef } from '../../../src/model/policy.js';
import { ruleListId, type RuleList } from '../../../src/program/types.js';
import { anyPort, endpoint, program } from '../programs.js';

const reevaluate = { established: 'reevaluate' } as const;

function chainsFor(...refs: PolicyRef[]): string[] {
  const lists = refs.map((policy): RuleList => {
    const origin = { policy, direction: 'ingress', rule: 0 } as const;
    const rules = [{ peers: { kind: 'anyone' }, ports: anyPort, origin } as const];
    return { id: ruleListId(policy, 'ingress'), policy, direction: 'ingress', rules };
  });
  const endpoints = lists.map((list, index) =>
    endpoint(`p${index}`, [`10.0.0.${index + 1}`], {
      ingress: { kind: 'isolated', by: [list.policy], allowedBy: [list.id] },
    }),
  );
  return [...render(program({ endpoints, ruleLists: lists }), reevaluate).chains.keys()].filter((name) =>
    name.startsWith('in-'),
  );
}

const policy = (namespace: string, name: string): PolicyRef => ({ kind: 'NetworkPolicy', namespace, name });

describe('names', () => {
  test('team/alpha-x and team-alpha/x do not share a chain', () => {
    const names = chainsFor(policy('team', 'alpha-x'), policy('team-alpha', 'x'));
    expect(new Set(names).size).toBe(2);
    expect(names.every((name) => name.startsWith('in-team-alpha-x-'))).toBe(true);
  });

  test('the longest names Kubernetes allows are told apart and stay short', () => {
    const [long, other] = [`${'a'.repeat(252)}b`, `${'a'.repeat(252)}c`];
    const names = chainsFor(policy('n'.repeat(63), long), policy('n'.repeat(63), other));
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name.length).toBeLessThanOrEqual(60);
  });

  test('only characters that nft takes are left', () => {
    const named = { kind: 'rules', use: 'enforced', direction: 'ingress', content: 'cafe' } as const;
    expect(chains.nameOf({ ...named, readable: 'x-a b"{};é' })).toBe('in-x-a-b------cafe');
  });

  test('a comment fits nft’s 128 bytes whatever it is made of, and cannot leave its quotes', () => {
    for (const text of ['x'.repeat(500), 'é'.repeat(500), '𝒳'.repeat(500)]) {
      expect(Buffer.byteLength(commentOf(text))).toBeLessThanOrEqual(128);
      expect(commentOf(text)).toMatch(/…$/);
    }
    expect(commentOf('a "b"\n\\c')).toBe("a 'b'  c");
    expect(commentOf('short')).toBe('short');
  });
});
