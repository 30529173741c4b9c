/** Planted faults: what each breaks, where, and the tests that must notice. */

export interface Mutant {
  readonly title: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The suites that are tried, one after the other, until one fails; `cases` when absent. */
  readonly tests?: readonly string[];
}

const cases = 'test/evaluation/cases.test.ts';
const parse = 'test/model/parse.test.ts';
const selectors = 'test/selectors/match.test.ts';
const compiled = 'test/compiler/properties.test.ts';
const rulesets = 'test/nftables/properties.test.ts';

/** What a mutant without tests of its own is tried with. */
export const defaultTests: readonly string[] = [cases];

export const mutants: readonly Mutant[] = [
  {
    title: 'excepts are dropped',
    file: 'src/compiler/rule-lists.ts',
    find: 'subtractCidrs(peer.cidr, peer.except)',
    replace: 'subtractCidrs(peer.cidr, [])',
  },
  {
    title: 'an except that touches the end of its block is ignored',
    file: 'src/compiler/cidr-ranges.ts',
    find: 'if (hole.first > whole.last) break;',
    replace: 'if (hole.first > whole.last || hole.last === whole.last) break;',
    tests: ['test/compiler/cidr-ranges.test.ts'],
  },
  {
    title: 'a port without protocol is any protocol',
    file: 'src/model/parse/protocol.ts',
    find: "if (value === undefined || value === null) return 'TCP';",
    replace: "if (value === undefined || value === null) return 'UDP';",
  },
  {
    title: 'a protocol alone is port 0 to 1023',
    file: 'src/compiler/rule-lists.ts',
    find: 'first: 0, last: 65535',
    replace: 'first: 0, last: 1023',
    tests: [cases, compiled],
  },
  {
    title: 'NotIn demands the key',
    file: 'src/selectors/match.ts',
    find: 'return value === undefined || !requirement.values.includes(value);',
    replace: 'return value !== undefined && !requirement.values.includes(value);',
  },
  {
    title: 'In matches an absent key as the empty value',
    file: 'src/selectors/match.ts',
    find: 'return value !== undefined && requirement.values.includes(value);',
    replace: "return requirement.values.includes(value ?? '');",
    tests: [cases, selectors, compiled],
  },
  {
    title: 'Exists does not see an empty value',
    file: 'src/selectors/match.ts',
    find: "case 'Exists':\n      return value !== undefined;",
    replace: "case 'Exists':\n      return value !== undefined && value !== '';",
  },
  {
    title: 'DoesNotExist takes an empty value for none',
    file: 'src/selectors/match.ts',
    find: 'return value === undefined;',
    replace: "return value === undefined || value === '';",
  },
  {
    title: 'one requirement of several is enough',
    file: 'src/selectors/match.ts',
    find: 'selector.requirements.every(',
    replace: 'selector.requirements.length === 0 || selector.requirements.some(',
    tests: [cases, selectors, compiled],
  },
  {
    title: 'selectors that differ in a value share a set',
    file: 'src/selectors/match.ts',
    find: "return `${key}${isIn ? '=' : '!='}${values[0] ?? ''}`;",
    replace: "return `${key}${isIn ? '=' : '!='}`;",
  },
  {
    title: '`from: []` is nobody',
    file: 'src/model/parse/network-policy.ts',
    find: "peers: peers.length === 0 ? 'anyone' : peers.map(",
    replace: 'peers: peers.map(',
  },
  {
    title: '`ports: []` is no port',
    file: 'src/model/parse/network-policy.ts',
    find: "ports: ports.length === 0 ? 'anyPort' : ports.filter(",
    replace: 'ports: ports.filter(',
  },
  {
    title: 'endPort is exclusive',
    file: 'src/model/parse/network-policy.ts',
    find: "return { kind: 'range', protocol, first: port, last: endPort };",
    replace: "return { kind: 'range', protocol, first: port, last: Math.max(port, endPort - 1) };",
    tests: [parse, cases],
  },
  {
    title: 'policyTypes defaults to Ingress alone',
    file: 'src/model/parse/network-policy.ts',
    find: "return Array.isArray(egress) && egress.length > 0 ? ['ingress', 'egress'] : ['ingress'];",
    replace: "return Array.isArray(egress) ? ['ingress'] : ['ingress'];",
  },
  {
    title: 'an empty list of egress rules isolates',
    file: 'src/model/parse/network-policy.ts',
    find: 'Array.isArray(egress) && egress.length > 0 ?',
    replace: 'Array.isArray(egress) ?',
    tests: [parse, cases],
  },
  {
    title: 'ingress rules count although only Egress is listed',
    file: 'src/model/parse/network-policy.ts',
    find: "...(types.includes('ingress') ? { ingress: rules.ingress } : {}),",
    replace: '...{ ingress: rules.ingress },',
    tests: [parse, cases],
  },
  {
    title: 'an unknown field in a spec is a warning',
    file: 'src/model/parse/network-policy.ts',
    find: "const unknown = options.strict ? 'error' : 'warning';",
    replace: "const unknown = options.strict ? 'warning' : 'warning';",
    tests: [parse],
  },
  {
    title: 'a broken policy is left out',
    file: 'src/compiler/endpoints.ts',
    find: "policy.kind === 'broken' ? policy.directions.includes(direction) : policy[direction] !== undefined;",
    replace: "policy.kind === 'broken' ? false : policy[direction] !== undefined;",
    tests: [compiled],
  },
  {
    title: 'a peer that selects nothing leaves everyone',
    file: 'src/compiler/rule-lists.ts',
    find: 'if (cidrs.length === 0) return undefined;',
    replace: "if (cidrs.length === 0) return { kind: 'anyone' };",
    tests: [cases, compiled],
  },
  {
    title: 'a named port is the first container port of that name',
    file: 'src/compiler/groups.ts',
    find: '.map(({ port }) => port),\n  );',
    replace: '.map(({ port }) => port)\n      .slice(0, 1),\n  );',
  },
  {
    title: 'a named port of another protocol counts',
    file: 'src/compiler/groups.ts',
    find: '.filter(({ name, protocol }) => name === definition.name && protocol === definition.protocol)',
    replace: '.filter(({ name }) => name === definition.name)',
    tests: [cases, compiled],
  },
  {
    title: "a named port of egress is looked up at the policy's own pods",
    file: 'src/compiler/rule-lists.ts',
    find: "direction === 'ingress' ? { namespaces: { name: policy.ref.namespace }, pods: policy.appliesTo } : everyPod;",
    replace:
      'direction !== undefined ? { namespaces: { name: policy.ref.namespace }, pods: policy.appliesTo } : everyPod;',
    tests: [cases, compiled],
  },
  {
    title: 'a named port towards a block is every port',
    file: 'src/compiler/rule-lists.ts',
    find: "if (direction === 'egress' && peer !== 'anyone' && peer.kind === 'ipBlock') return undefined;",
    replace: "if (direction === 'egress' && peer !== 'anyone' && peer.kind === 'ipBlock') return { kind: 'anyPort' };",
    tests: [cases, compiled],
  },
  {
    title: 'hostNetwork pods are peers and subjects',
    file: 'src/model/pod.ts',
    find: "!pod.hostNetwork && pod.phase !== 'Succeeded'",
    replace: "pod.phase !== 'Succeeded'",
  },
  {
    title: 'finished pods keep their addresses',
    file: 'src/model/pod.ts',
    find: "!pod.hostNetwork && pod.phase !== 'Succeeded' && pod.phase !== 'Failed';",
    replace: '!pod.hostNetwork;',
  },
  {
    title: 'of two pods with an address the older one owns it',
    file: 'src/model/address-owners.ts',
    find: 'return b.created - a.created;',
    replace: 'return a.created - b.created;',
    tests: [compiled],
  },
  {
    title: 'a podSelector peer is of every namespace',
    file: 'src/compiler/rule-lists.ts',
    find: "namespaces: peer.namespaces === 'own' ? { name: policy.ref.namespace } : peer.namespaces,",
    replace: "namespaces: peer.namespaces === 'own' ? { requirements: [] } : peer.namespaces,",
  },
  {
    title: "a policy selects other namespaces' pods",
    file: 'src/compiler/compiler.ts',
    find: '[...(this.#policies.get(namespace) ?? [])].filter(',
    replace: '[...[...this.#policies.values()].flatMap((own) => [...own])].filter(',
  },
  {
    title: "a change of a namespace's labels is not followed",
    file: 'src/compiler/compiler.ts',
    find: 'const moved = [...this.#index.setNamespace(name, namespace?.labels)];',
    replace: 'const moved = before.size === 0 ? [...this.#index.setNamespace(name, namespace?.labels)] : [];',
  },
  {
    title: 'a pod that changes its labels keeps its selections',
    file: 'src/selectors/selector-index.ts',
    find: 'for (const id of this.selectionsOf(pod)) if (!now.has(id)) this.#selections.get(id)?.members.delete(pod);',
    replace: 'for (const id of this.selectionsOf(pod)) now.add(id);',
  },
  {
    title: 'a policy that is deleted stays',
    file: 'src/compiler/compiler.ts',
    find: 'if (policy === undefined) policies.delete(key);',
    replace: 'if (policy === undefined) policies.get(key);',
  },
  {
    title: 'an edited policy keeps its compiled rules',
    file: 'src/compiler/used-rule-lists.ts',
    find: 'this.#replace(id, former, this.#compile(id));',
    replace: 'this.#replace(id, former, former);',
    tests: [cases, compiled],
  },
  {
    title: 'a pod may not reach itself',
    file: 'src/evaluation/evaluate.ts',
    find: 'if (source !== undefined && source === this.#endpoints.get(flow.destination))',
    replace: 'if (source !== undefined && flow.port < 0)',
  },
  {
    title: 'the own node is like any other host',
    file: 'src/evaluation/evaluate.ts',
    find: 'if (this.#nodesOf.get(other)?.has(endpoint.node) === true)',
    replace: "if (this.#nodesOf.get(other)?.has('') === true)",
  },
  {
    title: 'egress alone decides',
    file: 'src/evaluation/evaluate.ts',
    find: 'directions.toReversed().flatMap(',
    replace: 'directions.toReversed().slice(0, 1).flatMap(',
  },
  {
    title: 'a member that leaves a group is called widening',
    file: 'src/program/effect.ts',
    find: "if (removed.length > 0) return 'narrows';\n  return added",
    replace: "if (removed.length > 0) return 'widens';\n  return added",
    tests: ['test/program/effect.test.ts'],
  },
  {
    title: 'isolation that begins is called widening',
    file: 'src/program/effect.ts',
    find: "if (before.kind === 'open' || after.kind === 'open') return 'narrows';",
    replace: "if (before.kind === 'open' || after.kind === 'open') return 'widens';",
    tests: ['test/program/effect.test.ts'],
  },
  {
    title: 'the verdict cache survives a narrowing',
    file: 'src/nftables/plan.ts',
    find: 'if (live && swaps) cache.swap(switched);',
    replace: 'if (live && swaps && work.newChains.length > 1000) cache.swap(switched);',
    tests: [rulesets],
  },
  {
    title: 'a numeric range misses its last port in the ruleset',
    file: 'src/nftables/rule-matches.ts',
    find: 'joinKey(protocol.toLowerCase(), rangeText(first, last))',
    replace: 'joinKey(protocol.toLowerCase(), rangeText(first, Math.max(first, last - 1)))',
    tests: ['test/nftables/rule-lists.test.ts'],
  },
  {
    title: 'in the ruleset the peer of what goes out is the client',
    file: 'src/nftables/rule-matches.ts',
    find: "const address = list.direction === 'ingress' ? x.client(family) : x.server(family);",
    replace: "const address = list.direction === 'ingress' ? x.client(family) : x.client(family);",
    tests: ['test/nftables/rule-lists.test.ts'],
  },
  {
    title: 'peer maps of different ports are one',
    file: 'src/nftables/peer-maps.ts',
    find: 'id: hashOf(isolation, key),\n    ports: (list[0] as Hit).ports,',
    replace: 'id: hashOf(isolation),\n    ports: (list[0] as Hit).ports,',
    tests: ['test/nftables/peer-maps.test.ts'],
  },
  {
    title: 'in a peer map the rules of one list of ports are one rule for their last peer',
    file: 'src/nftables/peer-maps.ts',
    find: 'for (const { peer, chain } of map.hits)\n    for (const address',
    replace: 'for (const { peer, chain } of map.hits.slice(-1))\n    for (const address',
    tests: ['test/nftables/peer-maps.test.ts'],
  },
  {
    title: 'what an isolation denies is accepted in the ruleset',
    file: 'src/nftables/denial-chains.ts',
    find: '{ statements: [x.drop], ...(comment',
    replace: '{ statements: [x.accept], ...(comment',
    tests: [rulesets],
  },
];
