/** By rule and title: what looks like its fault, and is right. Texts as in the rules' own examples. */
export type NearMisses = Readonly<Record<string, Readonly<Record<string, string>>>>;

export const together = (...parts: readonly string[]): string => parts.join('\n---\n');
