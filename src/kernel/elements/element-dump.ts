/** The elements of a set, as the kernel dumps them. Source: linux/netfilter/nf_tables.h; nf_tables_getsetelem in net/netfilter/nf_tables_api.c. */
import type { Element } from '../../nftables/language/command.js';
import type { SetForm, TableName } from '../../nftables/language/types.js';
import { attributesIn, message, requestAndDump, textAttribute, textOf } from '../netlink/messages.js';
import {
  dataAttribute,
  elementAttribute,
  familyNumber,
  kind,
  listAttribute,
  ofTables,
  verdictAttribute,
  verdictCode,
} from '../netlink/nf-tables.js';
import { decodeKey } from './element-keys.js';

export const getElements = ({ family, table }: TableName, set: string): Buffer =>
  message(
    { type: ofTables(kind.getElements), flags: requestAndDump, family: familyNumber[family] },
    textAttribute(listAttribute.table, table),
    textAttribute(listAttribute.set, set),
  );

/** The ends of plain intervals are elements of their own, which nft sorts and joins. We make no such set. */
export const isReadable = ({ interval, type }: SetForm): boolean => !interval || type.length > 1;

/** @returns false for a message with an element that no set of this form has */
export function addElements(body: Buffer, form: SetForm, to: Element[]): boolean {
  for (const { type, value: list } of attributesIn(body)) {
    if (type !== listAttribute.elements) continue;
    for (const { value } of attributesIn(list, 0)) {
      const element = elementIn(value, form);
      if (element === undefined) return false;
      to.push(element);
    }
  }
  return true;
}

function elementIn(attributes: Buffer, { type: types, verdicts }: SetForm): Element | undefined {
  let [first, last, verdict]: (Buffer | undefined)[] = [];
  for (const { type, value } of attributesIn(attributes, 0)) {
    if (type === elementAttribute.key) first = dataIn(value, dataAttribute.value);
    else if (type === elementAttribute.keyEnd) last = dataIn(value, dataAttribute.value);
    else if (type === elementAttribute.data) verdict = dataIn(value, dataAttribute.verdict);
  }
  if (first === undefined || verdicts !== (verdict !== undefined)) return undefined;
  const key = decodeKey(types, first, last);
  return key === undefined ? undefined : [key, verdict === undefined ? '' : verdictText(verdict)];
}

function dataIn(data: Buffer, kind: number): Buffer | undefined {
  for (const { type, value } of attributesIn(data, 0)) if (type === kind) return value;
  return undefined;
}

const verdictWords = new Map<number, string>(Object.entries(verdictCode).map(([word, code]) => [code, word]));

function verdictText(verdict: Buffer): string {
  let [code, chain]: [string, string] = ['', ''];
  for (const { type, value } of attributesIn(verdict, 0))
    if (type === verdictAttribute.code) code = verdictWords.get(value.readInt32BE(0)) ?? '';
    else if (type === verdictAttribute.chain) chain = ` ${textOf(value)}`;
  return code + chain;
}
