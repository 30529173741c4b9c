/** Whether a record is as the schema says. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import schema from './record.schema.json' with { type: 'json' };

/** What is wrong with a record, one sentence each; none for one that is as the schema says. */
export function schemaChecker(): (record: unknown) => readonly string[] {
  const isValid = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema);
  return (record) =>
    isValid(record) ? [] : (isValid.errors ?? []).filter(({ keyword }) => keyword !== 'if').map(told);
}

function told({ instancePath, message = '', params }: ErrorObject): string {
  const field = instancePath.slice(1).replaceAll('~1', '/').replaceAll('~0', '~');
  const { additionalProperty: unknown, allowedValues: allowed } = params as Readonly<Record<string, unknown>>;
  const detail =
    typeof unknown === 'string' ? `: ${unknown}` : Array.isArray(allowed) ? `: ${allowed.map(String).join(', ')}` : '';
  return `${field === '' ? '' : `${field} `}${message}${detail}`;
}
