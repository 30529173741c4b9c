export const namespaceFolder: string;
export const runPrefix: string;
export const runFolderName: string;
export function makeRunFolder(): string;
export function removeLeftovers(): Promise<void>;
export function removeRunFolder(folder: string): Promise<void>;
export function removeNamespaces(prefix: string): Promise<void>;
export function namespacesWith(prefix: string): string[];
export function processesIn(namespaces: readonly string[]): number[];
