/** Lines of schema version 1, which readers take as well: what has another name in version 2 is renamed here alone. */
import { schemaVersion, type AuditRecord } from '../record.js';

export const previousVersion = 1;

/** By key: each value of version 1 with its name today. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'podwall.mode': { audit: 'dry-run' },
};

/** A value of a line of version 1, as version 2 says it. */
export function currentValue<T>(key: string, value: T): T | string {
  const names = Object.hasOwn(renamed, key) ? renamed[key] : undefined;
  return names !== undefined && typeof value === 'string' && Object.hasOwn(names, value)
    ? (names[value] ?? value)
    : value;
}

/** A record of version 1, as version 2 says it. */
export const currentRecord = (record: Readonly<Record<string, unknown>>): AuditRecord =>
  ({
    ...Object.fromEntries(Object.entries(record).map(([key, value]) => [key, currentValue(key, value)])),
    schema_version: schemaVersion,
  }) as unknown as AuditRecord;
