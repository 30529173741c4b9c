/** A transaction of elements as one netlink batch of nf_tables. Source: linux/netfilter/nf_tables.h. */
import type { Command, Element, Transaction } from '../../nftables/language/command.js';
import type { SetForm } from '../../nftables/language/types.js';
import { attribute, bigEndian, message, nest, numberAttribute, textAttribute } from '../netlink/messages.js';
import {
  counterObject,
  dataAttribute,
  elementAttribute,
  familyNumber,
  kind,
  listAttribute,
  objectAttribute,
  ofTables,
  tablesSubsystem,
  verdictAttribute,
  verdictCode,
} from '../netlink/nf-tables.js';
import { encodeKey } from './element-keys.js';

const batchBegin = 0x10;
const batchEnd = 0x11;
const flag = { request: 1, answer: 4, create: 0x400 } as const;
const batchGeneration = 1;

/** A list of elements is one attribute, whose length has 16 bits. */
const elementsInMessage = 300;
/** More than the socket's buffer takes for sure; a long transaction gains little. */
export const mostElements = 2000;

/** Where the generation stands in a batch: it begins with the message that carries it. */
export const generationOffset = 24;

export const getGeneration = (): Buffer =>
  message({ type: ofTables(kind.getGeneration), flags: flag.request, family: 0 });

/** The answer to it: NFTA_GEN_ID, which comes first. */
export const generationIn = (type: number, body: Buffer): number | undefined =>
  type === ofTables(kind.newGeneration) && body.length >= 12 ? body.readUInt32BE(8) : undefined;

/**
 * The messages of a transaction that consists of elements, and of counters, of sets whose form is known. Undefined for
 * any other, and for one that is too long: nft applies it. Its generation is zero until it is sent.
 */
export function encodeBatch(
  transaction: Transaction,
  formOf: (set: string) => SetForm | undefined,
): Buffer | undefined {
  let elements = 0;
  const messages: Buffer[] = [];
  for (const command of transaction.commands) {
    const encoded = encodeCommand(transaction, command, formOf);
    if (encoded === undefined) return undefined;
    elements += command.kind === 'add elements' ? command.elements.length : 0;
    elements += command.kind === 'delete elements' ? command.keys.length : 0;
    if (elements > mostElements) return undefined;
    messages.push(...encoded);
  }
  const last = messages.at(-1);
  if (last === undefined || elements === 0) return undefined;
  last.writeUInt16LE(last.readUInt16LE(6) | flag.answer, 6);
  const bounds = { flags: flag.request, family: 0, resource: tablesSubsystem };
  return Buffer.concat([
    message({ ...bounds, type: batchBegin }, numberAttribute(batchGeneration, 0)),
    ...messages,
    message({ ...bounds, type: batchEnd }),
  ]);
}

function encodeCommand(
  transaction: Transaction,
  command: Command,
  formOf: (set: string) => SetForm | undefined,
): readonly Buffer[] | undefined {
  switch (command.kind) {
    case 'add elements':
      return encodeElements(transaction, formOf(command.set), command.elements, kind.newElements);
    case 'delete elements': {
      const keys = command.keys.map((key): Element => [key, '']);
      return encodeElements(transaction, formOf(command.set), keys, kind.deleteElements);
    }
    case 'add counter':
    case 'delete counter':
      return [encodeCounter(transaction, command.name, command.kind === 'add counter')];
    default:
      return undefined;
  }
}

function encodeElements(
  { family, table }: Transaction,
  form: SetForm | undefined,
  elements: readonly Element[],
  type: number,
): readonly Buffer[] | undefined {
  if (form === undefined || form.interval || form.dynamic !== undefined) return undefined;
  const isNew = type === kind.newElements;
  const encoded: Buffer[] = [];
  for (const element of elements) {
    const bytes = encodeElement(form, element, isNew);
    if (bytes === undefined) return undefined;
    encoded.push(bytes);
  }
  const flags = flag.request | (isNew ? flag.create : 0);
  const messages: Buffer[] = [];
  for (let start = 0; start < encoded.length; start += elementsInMessage)
    messages.push(
      message(
        { type: ofTables(type), flags, family: familyNumber[family] },
        textAttribute(listAttribute.table, table),
        textAttribute(listAttribute.set, form.name),
        nest(listAttribute.elements, ...encoded.slice(start, start + elementsInMessage)),
      ),
    );
  return messages;
}

function encodeElement(form: SetForm, [key, value]: Element, withData: boolean): Buffer | undefined {
  const bytes = encodeKey(form.type, key);
  const data = withData && form.verdicts ? encodeVerdict(value) : Buffer.alloc(0);
  if (bytes === undefined || data === undefined) return undefined;
  return nest(listAttribute.element, nest(elementAttribute.key, attribute(dataAttribute.value, bytes)), data);
}

function encodeVerdict(value: string): Buffer | undefined {
  const [word, chain] = value.split(' ');
  if (word !== 'goto' || chain === undefined) return undefined;
  return nest(
    elementAttribute.data,
    nest(
      dataAttribute.verdict,
      attribute(verdictAttribute.code, bigEndian(verdictCode.goto)),
      textAttribute(verdictAttribute.chain, chain),
    ),
  );
}

/** A counter that nothing has counted yet. */
const encodeCounter = ({ family, table }: Transaction, name: string, isNew: boolean): Buffer =>
  message(
    {
      type: ofTables(isNew ? kind.newObject : kind.deleteObject),
      flags: flag.request | (isNew ? flag.create : 0),
      family: familyNumber[family],
    },
    textAttribute(objectAttribute.table, table),
    textAttribute(objectAttribute.name, name),
    numberAttribute(objectAttribute.type, counterObject),
    isNew ? nest(objectAttribute.data) : Buffer.alloc(0),
  );
