/** What `lint` reads, as its flags name it. */
import { LintInputCollector, type LoadedLintInput } from '../../lint/lint-input-collector.js';
import { isLive, readInto, wellKnownDocuments, type InputFlags } from './inputs.js';

export interface LintInputFlags extends InputFlags {
  readonly namespace?: string;
  readonly closedWorld: boolean;
}

/**
 * @param isIgnored whether the user does not want to hear of a file
 * @throws InputError when nothing can be read at all
 */
export async function readLintInputs(
  flags: LintInputFlags,
  isIgnored: (file: string) => boolean = () => false,
): Promise<LoadedLintInput> {
  const collector = new LintInputCollector({
    strict: !isLive(flags),
    defaultNamespace: flags.namespace ?? 'default',
    isIgnored,
    verbose: flags.verbose === true,
  });
  await readInto(collector, flags);
  // They are not objects of the input: lint finds nothing in them, and much because of them.
  const { manifests } = collector;
  for (const document of wellKnownDocuments(flags, manifests)) manifests.takeDocument(document);
  return collector.input(flags.closedWorld || isLive(flags));
}
