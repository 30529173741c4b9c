/** The named counters of a table, as the kernel dumps them. Source: linux/netlink.h, linux/netfilter/nf_tables.h. */
import type { TableName } from '../../nftables/language/types.js';
import { attributesIn, message, numberAttribute, requestAndDump, textAttribute, textOf } from '../netlink/messages.js';
import {
  counterAttribute,
  counterObject,
  familyNumber,
  kind,
  objectAttribute,
  ofTables,
} from '../netlink/nf-tables.js';

export const getCounters = ({ family, table }: TableName): Buffer =>
  message(
    { type: ofTables(kind.getObject), flags: requestAndDump, family: familyNumber[family] },
    textAttribute(objectAttribute.table, table),
    numberAttribute(objectAttribute.type, counterObject),
  );

/** Name and packets. Undefined for a message that is no counter. */
export function counterIn(type: number, body: Buffer): readonly [string, number] | undefined {
  if (type !== ofTables(kind.newObject)) return undefined;
  let [name, packets]: [string, number | undefined] = ['', undefined];
  for (const { type: attribute, value } of attributesIn(body)) {
    if (attribute === objectAttribute.name) name = textOf(value);
    if (attribute === objectAttribute.data)
      for (const inner of attributesIn(value, 0))
        if (inner.type === counterAttribute.packets && inner.value.length >= 8)
          packets = Number(inner.value.readBigUInt64BE(0));
  }
  return packets === undefined ? undefined : [name, packets];
}
