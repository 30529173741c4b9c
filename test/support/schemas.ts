/** The JSON schemas that the package ships. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { schemaFolder } from './product.js';

let loaded: Ajv2020 | undefined;

function validators(): Ajv2020 {
  if (loaded !== undefined) return loaded;
  loaded = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false });
  for (const name of readdirSync(schemaFolder))
    loaded.addSchema(JSON.parse(readFileSync(join(schemaFolder, name), 'utf8')) as object);
  return loaded;
}

/** What of a document is not as the schema of that name says. */
export function problemsOf(schema: string, document: unknown): readonly string[] {
  const validate = validators().getSchema(`https://podwall.dev/schemas/v1/${schema}.schema.json`);
  if (validate === undefined) throw new Error(`no schema ${schema}`);
  if (validate(document) === true) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);
}
