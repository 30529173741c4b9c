export function binaryFolder(): Promise<string>;
export function findBinaries(): Promise<string | undefined>;
