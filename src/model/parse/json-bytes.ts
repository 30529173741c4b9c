/** The size of a decoded value as JSON, in bytes; the largest number for what JSON cannot hold (YAML may refer to itself). */
export function jsonBytes(value: unknown): number {
  try {
    return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
  } catch {
    return Number.MAX_SAFE_INTEGER;
  }
}
