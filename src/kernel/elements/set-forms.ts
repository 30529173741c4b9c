import type { Transaction } from '../../nftables/language/command.js';
import type { Ruleset, SetForm, TableName } from '../../nftables/language/types.js';

/** What the sets of our tables may hold, as far as this process has made or listed them. */
export class SetForms {
  readonly #tables = new Map<TableName['family'], Map<string, SetForm>>();

  of({ family }: TableName, set: string): SetForm | undefined {
    return this.#tables.get(family)?.get(set);
  }

  /** Others that are known stay: this process may have made them since. Of one that is gone the kernel refuses elements. */
  listed(family: TableName['family'], ruleset: Ruleset | undefined): void {
    const forms = this.#formsOf(family);
    for (const { name, type, verdicts, interval, dynamic } of ruleset?.sets.values() ?? [])
      forms.set(name, { name, type, verdicts, interval, ...(dynamic === undefined ? {} : { dynamic }) });
  }

  applied({ family, commands }: Transaction): void {
    const forms = this.#formsOf(family);
    for (const command of commands)
      if (command.kind === 'add set') forms.set(command.set.name, command.set);
      else if (command.kind === 'delete set') forms.delete(command.name);
      else if (command.kind === 'delete table') forms.clear();
  }

  #formsOf(family: TableName['family']): Map<string, SetForm> {
    const known = this.#tables.get(family);
    if (known !== undefined) return known;
    const forms = new Map<string, SetForm>();
    this.#tables.set(family, forms);
    return forms;
  }
}
