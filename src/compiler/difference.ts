/** `before` and `after` only where they are: absent means new or gone. */
export function difference<K extends object, V>(
  key: K,
  before: V | undefined,
  after: V | undefined,
): K & { before?: V; after?: V } {
  return { ...key, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}
