import type { Transaction } from '../../nftables/language/command.js';
import type { Ruleset, SetForm, TableName } from '../../nftables/language/types.js';

/** What the sets of our tables may hold, as far as this process has made or listed them. */
export class SetForms {
  readonly #tables = new Map<TableName['family'], Map<string, SetForm>>();

  of({ family }: TableName, set: string): SetForm | undefined {
    return this.#tables.get(family)?.get(set);
  }

  /** Undefined: there is no such table. */
  listed(family: TableName['family'], ruleset: Ruleset | undefined): void {
    const sets = [...(ruleset?.sets.values() ?? [])];
    this.#tables.set(family, new Map(sets.map((set) => [set.name, { ...set, elements: undefined }])));
  }

  applied({ family, commands }: Transaction): void {
    const forms = this.#tables.get(family) ?? new Map<string, SetForm>();
    this.#tables.set(family, forms);
    for (const command of commands)
      if (command.kind === 'add set') forms.set(command.set.name, command.set);
      else if (command.kind === 'delete set') forms.delete(command.name);
      else if (command.kind === 'delete table') forms.clear();
  }
}
