/** A transaction as libnftables-json, as nft 1.0.6 takes it: for names that no text can carry. */
import type { Command, Transaction } from './command.js';
import { elementToJson, keyToJson } from './elements.js';
import type { Hook, SetForm } from './types.js';

type Json = Readonly<Record<string, unknown>>;

export const transactionToJson = ({ family, table, commands }: Transaction): Json => ({
  nftables: commands.map((command) => commandToJson(command, { family, table })),
});

function commandToJson(command: Command, table: { readonly family: string; readonly table: string }): Json {
  switch (command.kind) {
    case 'add table':
      return { add: { table: { family: table.family, name: table.table } } };
    case 'delete table':
      return { delete: { table: { family: table.family, name: table.table } } };
    case 'add counter':
      return { add: { counter: { ...table, name: command.name } } };
    case 'delete counter':
      return { delete: { counter: { ...table, name: command.name } } };
    case 'add set':
      return { add: setToJson(command.set, table) };
    case 'delete set':
      return { delete: { [command.verdicts ? 'map' : 'set']: { ...table, name: command.name } } };
    case 'delete other':
      return { delete: { [command.object.kind]: { ...table, name: command.object.name } } };
    case 'add elements':
      return { add: { element: { ...table, name: command.set, elem: command.elements.map(elementToJson) } } };
    case 'delete elements':
      return { delete: { element: { ...table, name: command.set, elem: command.keys.map(keyToJson) } } };
    case 'add chain':
      return { add: { chain: { ...table, name: command.name, ...hookToJson(command.hook) } } };
    case 'flush chain':
      return { flush: { chain: { ...table, name: command.name } } };
    case 'delete chain':
      return { delete: { chain: { ...table, name: command.name } } };
    case 'add rule': {
      const { statements, comment } = command.rule;
      const commented = comment === undefined ? {} : { comment };
      return { add: { rule: { ...table, chain: command.chain, expr: statements, ...commented } } };
    }
  }
}

/** `dynamic` is a flag that JSON refuses; a time-out implies it. */
function setToJson({ name, type, verdicts, interval, dynamic }: SetForm, table: Json): Json {
  const body = {
    ...table,
    name,
    type: type.length === 1 ? type[0] : type,
    ...(interval ? { flags: ['interval'] } : {}),
    ...(dynamic === undefined ? {} : { flags: ['timeout'], timeout: dynamic.timeoutSeconds, size: dynamic.size }),
  };
  return verdicts ? { map: { ...body, map: 'verdict' } } : { set: body };
}

function hookToJson(hook: Hook | undefined): Json {
  if (hook === undefined) return {};
  const { type, hook: name, priority, policy, device } = hook;
  return { type, hook: name, prio: priority, policy, ...(device === undefined ? {} : { dev: device }) };
}
