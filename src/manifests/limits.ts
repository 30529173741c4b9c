/** How much of a file is believed to be a manifest: beyond that a hostile or mistaken one would take minutes or the machine. */
export const limits = {
  /** Bytes of any input. */
  bytes: 128 * 1024 * 1024,
  /** Characters of YAML, whose tree takes a hundred times as much memory. JSON has no tree. */
  yamlCharacters: 10 * 1024 * 1024,
  /** Collections within collections; the deepest schemas of custom resources have about forty. */
  depth: 250,
  /** In one document: each is looked for among all anchors and aliases. */
  aliases: 10_000,
  /** Nodes that the aliases of one document stand for, all together. */
  aliasedNodes: 100_000,
} as const;

export const tooDeep = `nested deeper than ${limits.depth} levels`;
export const duplicateKey = 'this key appears twice in one mapping';
