/** Numbers of nf_tables in netlink messages. Source: linux/netfilter/nf_tables.h, linux/netfilter/nfnetlink.h. */

/** NFNL_SUBSYS_NFTABLES */
export const tablesSubsystem = 10;
/** The multicast group of what every commit changed, NFNLGRP_NFTABLES. */
export const tablesGroup = 7;

export const ofTables = (type: number): number => (tablesSubsystem << 8) | type;

export const kind = {
  newTable: 0,
  deleteTable: 2,
  newChain: 3,
  deleteChain: 5,
  newRule: 6,
  deleteRule: 8,
  newSet: 9,
  deleteSet: 11,
  newElements: 12,
  getElements: 13,
  deleteElements: 14,
  newGeneration: 15,
  getGeneration: 16,
  newObject: 18,
  getObject: 19,
  deleteObject: 20,
  newFlowtable: 22,
  deleteFlowtable: 24,
} as const;

export const familyNumber = { inet: 1, netdev: 5 } as const;

export const objectAttribute = { table: 1, name: 2, type: 3, data: 4 } as const;
export const generationAttribute = { id: 1, process: 2, processName: 3 } as const;
/** NFT_OBJECT_COUNTER, and what its data has. */
export const counterObject = 1;
export const counterAttribute = { bytes: 1, packets: 2 } as const;

/** Of a message with elements (NFTA_SET_ELEM_LIST_), and of each element in it. */
export const listAttribute = { table: 1, set: 2, elements: 3, element: 1 } as const;
export const elementAttribute = { key: 1, data: 2, keyEnd: 10 } as const;
export const dataAttribute = { value: 1, verdict: 2 } as const;
export const verdictAttribute = { code: 1, chain: 2 } as const;
/** NF_ and NFT_ verdicts, by nft's words. */
export const verdictCode = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;
