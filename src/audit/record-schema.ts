/** Validates records against record.schema.json. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import schema from './record.schema.json' with { type: 'json' };

/** @returns a function that gives the errors of a record, one sentence each; none for a valid record */
export function schemaChecker(): (record: unknown) => readonly string[] {
  const isValid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  return (record) =>
    isValid(record) ? [] : (isValid.errors ?? []).filter(({ keyword }) => keyword !== 'if').map(describe);
}

function describe({ instancePath, message = '', params }: ErrorObject): string {
  const field = instancePath.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
  const { additionalProperty: unknown, allowedValues: allowed } = params as Readonly<Record<string, unknown>>;
  const detail =
    typeof unknown === 'string' ? `: ${unknown}` : Array.isArray(allowed) ? `: ${allowed.map(String).join(', ')}` : '';
  return `${field === '' ? '' : `${field} `}${message}${detail}`;
}
